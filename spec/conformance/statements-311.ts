/**
 * The numbered statements of MQTT 3.1.1 (OASIS Standard, 29 October 2014), in our words; the form is that of statements-5.ts. `3.8.3-4` is printed as `3-8.3-4`
 * in the standard.
 */
export const MQTT_311: string = `
1.5.3-1 | s | A string is well-formed UTF-8 without surrogates; else the connection ends.
1.5.3-2 | s | A string holds no U+0000; else the connection ends.
1.5.3-3 | s | U+FEFF is a character like any other, at the start of a string too.
2.2.2-1 | s | Reserved flag bits have the values that the standard lists.
2.2.2-2 | s | Other flags end the connection.
2.3.1-1 | s | SUBSCRIBE, UNSUBSCRIBE and PUBLISH above QoS 0 carry a packet id that is not 0.
2.3.1-2 | c | A client gives each new packet an id that is not in use.
2.3.1-3 | c | A client sends again with the same id, and uses it anew only after the exchange has ended.
2.3.1-4 | s | The same goes for a server's PUBLISH above QoS 0.
2.3.1-5 | s | A PUBLISH with QoS 0 carries no packet id.
2.3.1-6 | s | An acknowledgement of a PUBLISH carries the packet id of that PUBLISH.
2.3.1-7 | s | SUBACK and UNSUBACK carry the packet id of what they answer.
3.1.0-1 | s | The first packet of a connection is CONNECT.
3.1.0-2 | s | A second CONNECT ends the connection.
3.1.2-1 | s | A protocol name other than MQTT is not served as 3.1.1.
3.1.2-2 | s | A protocol level that the server does not speak is answered by return code 1, and the connection ends.
3.1.2-3 | s | The reserved flag of CONNECT is 0; else the connection ends.
3.1.2-4 | s | Clean session 0 goes on with the session that there is, or begins one, which is kept after the connection.
3.1.2-5 | s | Such a session keeps QoS 1 and 2 messages that come while its client is away.
3.1.2-6 | s | Clean session 1 discards the session that there was; the new one ends with the connection.
3.1.2-7 | s | Retained messages are no part of a session and outlast it.
3.1.2-8 | s | A will is kept, and published when the connection is gone, unless a DISCONNECT has removed it.
3.1.2-9 | s | With the will flag, will topic and message are there.
3.1.2-10 | s | A will is forgotten once it is published or DISCONNECT has come.
3.1.2-11 | s | Without the will flag, will QoS and will retain are 0 and there is neither will topic nor message.
3.1.2-12 | s | Without the will flag no will is published.
3.1.2-13 | s | Without the will flag the will QoS is 0.
3.1.2-14 | s | The will QoS is 0, 1 or 2.
3.1.2-15 | s | Without the will flag will retain is 0.
3.1.2-16 | s | Without will retain the will is published as an ordinary message.
3.1.2-17 | s | With will retain the will is published as a retained message.
3.1.2-18 | s | Without the user name flag there is no user name.
3.1.2-19 | s | With the user name flag there is one.
3.1.2-20 | s | Without the password flag there is no password.
3.1.2-21 | s | With the password flag there is one.
3.1.2-22 | s | Without a user name there is no password.
3.1.2-23 | c | A client with a keep-alive sends PINGREQ when it has nothing else to send.
3.1.2-24 | s | A client that is silent for one and a half times its keep-alive is disconnected.
3.1.3-1 | s | The fields of CONNECT come in this order: client id, will topic, will message, user name, password.
3.1.3-2 | s | A session is found by its client id.
3.1.3-3 | s | The client id is there and is the first field of the payload.
3.1.3-4 | s | The client id is a string.
3.1.3-5 | s | Client ids of 1 to 23 letters and digits are accepted.
3.1.3-6 | s | A client without id is given one that nobody else has, and served like one that brought it.
3.1.3-7 | s | A client without id asks for a clean session.
3.1.3-8 | s | One that does not is answered by return code 2, and the connection ends.
3.1.3-9 | s | A client whose id is refused is answered by return code 2, and the connection ends.
3.1.3-10 | s | The will topic is a string.
3.1.3-11 | s | The user name is a string.
3.1.4-1 | s | A CONNECT that does not have the standard's form ends the connection without CONNACK.
3.1.4-2 | s | A connected client whose id is claimed by another connection is disconnected.
3.1.4-3 | s | Clean session is carried out.
3.1.4-4 | s | An accepted CONNECT is answered by return code 0.
3.1.4-5 | s | What follows a refused CONNECT is not looked at.
3.2.0-1 | s | The first packet from the server is CONNACK.
3.2.2-1 | s | After clean session 1 session present is 0.
3.2.2-2 | s | After clean session 0 session present is 1 when there was a session.
3.2.2-3 | s | When there was none, it is 0.
3.2.2-4 | s | A CONNACK that refuses has session present 0.
3.2.2-5 | s | A CONNACK that refuses is followed by the end of the connection.
3.2.2-6 | s | Where no return code fits, the connection ends without CONNACK.
3.3.1-1 | s | What is sent again has DUP 1.
3.3.1-2 | s | A QoS 0 message has DUP 0.
3.3.1-3 | s | DUP towards a subscriber says whether that packet is sent again, whatever DUP the publisher had.
3.3.1-4 | s | QoS bits that are both 1 end the connection.
3.3.1-5 | s | A message with RETAIN is kept with its QoS for future subscribers.
3.3.1-6 | s | A new subscription is sent the last retained message of each matching topic.
3.3.1-7 | s | A QoS 0 message with RETAIN takes the place of the one before.
3.3.1-8 | s | A message sent because of a new subscription has RETAIN 1.
3.3.1-9 | s | A message sent because of an established one has RETAIN 0.
3.3.1-10 | s | An empty payload with RETAIN is delivered and removes the topic's retained message.
3.3.1-11 | s | An empty payload is never kept as a retained message.
3.3.1-12 | s | A message without RETAIN leaves the topic's retained message alone.
3.3.2-1 | s | The topic name is the first field of PUBLISH and a string.
3.3.2-2 | s | A topic name has no wildcards.
3.3.2-3 | s | The topic name of a message for a subscriber matches its filter.
3.3.4-1 | s | A PUBLISH is answered as its QoS asks.
3.3.5-1 | s | Overlapping subscriptions: the message comes at the highest QoS among them.
3.3.5-2 | s | A PUBLISH that is not authorised is acknowledged as usual, or ends the connection.
3.6.1-1 | s | The flags of PUBREL are 0010; anything else ends the connection.
3.8.1-1 | s | The flags of SUBSCRIBE are 0010; anything else ends the connection.
3.8.3-1 | s | Topic filters are strings.
3.8.3-2 | s | A server that offers no wildcards refuses filters that have some.
3.8.3-3 | s | SUBSCRIBE has a filter at least.
3.8.3-4 | s | Reserved bits of the requested QoS are 0 and the QoS is 0, 1 or 2; else the connection ends.
3.8.4-1 | s | SUBSCRIBE is answered by SUBACK.
3.8.4-2 | s | SUBACK has the packet id of the SUBSCRIBE.
3.8.4-3 | s | The same filter again replaces the subscription, sends retained messages again and interrupts nothing.
3.8.4-4 | s | Several filters in a SUBSCRIBE are like several SUBSCRIBEs, with one answer.
3.8.4-5 | s | SUBACK has a return code for each filter: the granted QoS or failure.
3.8.4-6 | s | A message is delivered at the lower of the QoS that it was published with and the one granted.
3.9.3-1 | s | The return codes of SUBACK are in the order of the filters.
3.9.3-2 | s | SUBACK has no other return codes than 0, 1, 2 and 0x80.
3.10.1-1 | s | The flags of UNSUBSCRIBE are 0010; anything else ends the connection.
3.10.3-1 | s | The filters of UNSUBSCRIBE are strings.
3.10.3-2 | s | UNSUBSCRIBE has a filter at least.
3.10.4-1 | s | A filter is compared character by character, and its subscription deleted.
3.10.4-2 | s | After UNSUBSCRIBE no new message is added for the filter.
3.10.4-3 | s | QoS 1 and 2 deliveries that have begun are completed all the same.
3.10.4-4 | s | UNSUBSCRIBE is answered by UNSUBACK with its packet id.
3.10.4-5 | s | UNSUBACK comes when there was no such subscription, too.
3.10.4-6 | s | Several filters in an UNSUBSCRIBE are like several UNSUBSCRIBEs, with one answer.
3.12.4-1 | s | PINGREQ is answered by PINGRESP.
3.14.1-1 | s | The flags of DISCONNECT are 0; else the connection ends.
3.14.4-1 | c | A client closes the connection after DISCONNECT.
3.14.4-2 | c | A client sends nothing after DISCONNECT.
3.14.4-3 | s | DISCONNECT discards the will.
4.1.0-1 | s | A session is kept as long as it lasts.
4.1.0-2 | s | A session lasts at least as long as its connection.
4.3.1-1 | s | QoS 0 is sent with QoS 0 and DUP 0.
4.3.2-1 | s | QoS 1, sender: a free packet id, DUP 0, unacknowledged until PUBACK.
4.3.2-2 | s | QoS 1, receiver: PUBACK with the id; after it the id means a new message.
4.3.3-1 | s | QoS 2, sender: a free packet id, DUP 0, PUBREL after PUBREC, the message not again after PUBREL.
4.3.3-2 | s | QoS 2, receiver: PUBREC for each time it comes, one delivery, PUBCOMP after PUBREL; after it the id means a new message.
4.4.0-1 | s | When a session is resumed, what is unacknowledged is sent again with its packet id.
4.5.0-1 | s | A message that the server has taken is added to the sessions of all matching subscribers.
4.5.0-2 | c | A client acknowledges what it receives, whether it makes use of it or not.
4.6.0-1 | s | What is sent again comes in the order in which it was sent first.
4.6.0-2 | s | PUBACKs come in the order of the messages.
4.6.0-3 | s | PUBRECs come in the order of the messages.
4.6.0-4 | s | PUBRELs come in the order of the PUBRECs.
4.6.0-5 | s | Every topic is ordered unless an operator has chosen otherwise.
4.6.0-6 | s | Messages of one publisher, topic and QoS reach a subscriber in the order in which they came.
4.7.1-1 | s | Wildcards stand in filters, never in names.
4.7.1-2 | s | # is the whole last level of a filter.
4.7.1-3 | s | + is a whole level of a filter.
4.7.2-1 | s | A filter that begins with a wildcard matches no name that begins with $.
4.7.3-1 | s | Names and filters have a character at least.
4.7.3-2 | s | Names and filters have no U+0000.
4.7.3-3 | s | Names and filters have 65,535 bytes at most.
4.7.3-4 | s | Names and filters are compared as they are, without any normalisation.
4.8.0-1 | s | A protocol violation ends the connection.
4.8.0-2 | s | A transient error while a packet is handled ends the connection.
6.0.0-1 | w | MQTT travels in binary frames; any other data frame ends the connection.
6.0.0-2 | w | Packets and frames need not begin and end together.
6.0.0-3 | c | A client offers the subprotocol mqtt.
6.0.0-4 | w | The server selects the subprotocol mqtt.
7.0.0-1 | b | A server that also connects to other servers is a good client to them.
7.0.0-2 | s | Nothing outside the standard is needed to talk to this server.
7.1.1-1 | s | There is a transport that carries an ordered, lossless stream of bytes both ways.
7.1.2-1 | c | A client supports such a transport.
`;
