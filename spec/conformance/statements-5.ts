/**
 * The numbered statements of MQTT 5.0 (OASIS Standard, 7 March 2019), in our words: `id | whom it binds | what it asks`.
 *   s  a server, or both sides · c  clients alone · w  whoever offers WebSocket · b  whoever connects to other servers
 */
export const MQTT_5: string = `
1.5.4-1 | s | A string is well-formed UTF-8 without surrogates.
1.5.4-2 | s | A string holds no U+0000.
1.5.4-3 | s | U+FEFF is a character like any other, at the start of a string too: it is neither skipped nor removed.
1.5.5-1 | s | A variable byte integer takes no more bytes than its value needs.
1.5.7-1 | s | Both halves of a string pair obey the rules for strings.
2.1.3-1 | s | Reserved flag bits have the values that the standard lists.
2.2.1-2 | s | A PUBLISH with QoS 0 carries no packet id.
2.2.1-3 | s | SUBSCRIBE, UNSUBSCRIBE and PUBLISH above QoS 0 from a client carry a packet id that is not 0 and not in use.
2.2.1-4 | s | A PUBLISH above QoS 0 from a server carries a packet id that is not 0 and not in use.
2.2.1-5 | s | An acknowledgement of a PUBLISH carries the packet id of that PUBLISH.
2.2.1-6 | s | SUBACK and UNSUBACK carry the packet id of what they answer.
2.2.2-1 | s | No properties are written as a property length of 0.
3.1.0-1 | s | The first packet of a connection is CONNECT.
3.1.0-2 | s | A second CONNECT is a protocol error and ends the connection.
3.1.2-1 | s | A protocol name other than MQTT ends the connection, with or without CONNACK 0x84.
3.1.2-2 | s | A protocol version that the server does not speak ends the connection, with or without CONNACK 0x84.
3.1.2-3 | s | The reserved flag of CONNECT is 0, which the server checks.
3.1.2-4 | s | Clean start 1 discards the session that there was and begins a new one.
3.1.2-5 | s | Clean start 0 goes on with the session that there is.
3.1.2-6 | s | Clean start 0 without a session begins a new one.
3.1.2-7 | s | A will is kept with the session.
3.1.2-8 | s | The will is published when the connection is gone and its delay has passed or the session has ended, unless the client said good-bye (0x00) or came back in time.
3.1.2-9 | s | With the will flag, the will's properties, topic and payload are there.
3.1.2-10 | s | A will is forgotten once it is published or the client has said good-bye (0x00).
3.1.2-11 | s | Without the will flag the will QoS is 0.
3.1.2-12 | s | The will QoS is 0, 1 or 2.
3.1.2-13 | s | Without the will flag the will retain flag is 0.
3.1.2-14 | s | Without will retain the will is published as an ordinary message.
3.1.2-15 | s | With will retain the will is published as a retained message.
3.1.2-16 | s | Without the user name flag there is no user name.
3.1.2-17 | s | With the user name flag there is one.
3.1.2-18 | s | Without the password flag there is no password.
3.1.2-19 | s | With the password flag there is one.
3.1.2-20 | c | A client with a keep-alive sends PINGREQ when it has nothing else to send.
3.1.2-21 | c | A client uses the server's keep-alive when CONNACK has one.
3.1.2-22 | s | A client that is silent for one and a half times its keep-alive is disconnected.
3.1.2-23 | s | The session is kept after the connection when its expiry interval is above 0.
3.1.2-24 | s | The server sends no packet above the client's maximum packet size.
3.1.2-25 | s | What is too large for a client is dropped as if it had been delivered.
3.1.2-26 | s | The server uses no topic alias above the client's maximum.
3.1.2-27 | s | The server uses no topic alias when the client has given no maximum, or 0.
3.1.2-28 | s | Without a request for response information none is returned.
3.1.2-29 | s | With request problem information 0 there are no reason strings and user properties but in PUBLISH, CONNACK and DISCONNECT.
3.1.2-30 | s | A client that names an authentication method sends nothing but AUTH and DISCONNECT before CONNACK.
3.1.3-1 | s | The fields of CONNECT come in this order: client id, will properties, will topic, will payload, user name, password.
3.1.3-2 | s | A session is found by its client id.
3.1.3-3 | s | The client id is there and is the first field of the payload.
3.1.3-4 | s | The client id is a string.
3.1.3-5 | s | Client ids of 1 to 23 letters and digits are accepted.
3.1.3-6 | s | A client without id is given one that nobody else has.
3.1.3-7 | s | A client with an assigned id is served like one that brought it, and is told in CONNACK.
3.1.3-8 | s | A client whose id is refused may be told by CONNACK 0x85 and is disconnected.
3.1.3-9 | s | A client that comes back before its will delay has passed stops its will.
3.1.3-10 | s | The user properties of a will keep their order.
3.1.3-11 | s | The will topic is a string.
3.1.3-12 | s | The user name is a string.
3.1.4-1 | s | A CONNECT that does not have the standard's form ends the connection.
3.1.4-2 | s | A CONNECT that fails a check of the server, its login among them, ends the connection.
3.1.4-3 | s | A connected client whose id is claimed by another connection is told 0x8E and disconnected.
3.1.4-4 | s | Clean start is carried out.
3.1.4-5 | s | An accepted CONNECT is answered by CONNACK 0x00.
3.1.4-6 | s | What follows a refused CONNECT is not looked at, AUTH excepted.
3.2.0-1 | s | CONNACK 0x00 comes before any other packet but AUTH.
3.2.0-2 | s | There is one CONNACK on a connection.
3.2.2-1 | s | Bits 7 to 1 of CONNACK's flags are 0.
3.2.2-2 | s | After clean start 1 session present is 0.
3.2.2-3 | s | After clean start 0 session present says whether there was a session.
3.2.2-4 | c | A client without a session closes a connection that says session present.
3.2.2-5 | c | A client with a session discards it when session present is 0.
3.2.2-6 | s | A CONNACK that refuses has session present 0.
3.2.2-7 | s | A CONNACK of 0x80 or above is followed by the end of the connection.
3.2.2-8 | s | CONNACK carries one of the listed reason codes.
3.2.2-9 | s | A server that does not take QoS 1 or 2 says so by maximum QoS.
3.2.2-10 | s | Such a server still accepts subscriptions with QoS 1 and 2.
3.2.2-11 | c | A client publishes at no QoS above the server's maximum.
3.2.2-12 | s | A will with a QoS above the maximum is refused, and the connection ends.
3.2.2-13 | s | A retained will is refused where retaining is not offered, and the connection ends.
3.2.2-14 | c | A client sends no RETAIN where retaining is not offered.
3.2.2-15 | c | A client sends no packet above the server's maximum packet size.
3.2.2-16 | s | A client without id is told the id that it was assigned, and no other session has it.
3.2.2-17 | c | A client uses no topic alias above the server's maximum.
3.2.2-18 | c | A client uses no topic alias when the server has given no maximum, or 0.
3.2.2-19 | s | CONNACK goes without a reason string that would make it too large for the client.
3.2.2-20 | s | CONNACK goes without user properties that would make it too large for the client.
3.2.2-21 | c | A client uses the server's keep-alive instead of its own.
3.2.2-22 | s | Without a server keep-alive the client's own counts.
3.3.1-1 | s | What is sent again has DUP 1.
3.3.1-2 | s | A QoS 0 message has DUP 0.
3.3.1-3 | s | DUP towards a subscriber says whether that packet is sent again, whatever DUP the publisher had.
3.3.1-4 | s | The QoS bits are never both 1.
3.3.1-5 | s | A message with RETAIN takes the place of the topic's retained message.
3.3.1-6 | s | An empty payload with RETAIN is delivered and removes the topic's retained message.
3.3.1-7 | s | An empty payload is never kept as a retained message.
3.3.1-8 | s | A message without RETAIN leaves the topic's retained message alone.
3.3.1-9 | s | Retain handling 0: matching retained messages are sent upon subscribing.
3.3.1-10 | s | Retain handling 1: they are sent if the subscription is new, and not if it is not.
3.3.1-11 | s | Retain handling 2: they are not sent.
3.3.1-12 | s | Without retain as published, messages are forwarded with RETAIN 0.
3.3.1-13 | s | With retain as published, messages are forwarded with the RETAIN that they had.
3.3.2-1 | s | The topic name is the first field of PUBLISH and a string.
3.3.2-2 | s | A topic name has no wildcards.
3.3.2-3 | s | The topic name of a message for a subscriber matches one of its filters.
3.3.2-4 | s | The payload format indicator is passed on as it came.
3.3.2-5 | s | A message whose expiry has passed before its delivery began is deleted.
3.3.2-6 | s | The message expiry that a subscriber gets is what is left of it.
3.3.2-7 | s | Topic aliases end with their connection.
3.3.2-8 | s | There is no topic alias 0.
3.3.2-9 | s | A client uses no topic alias above the server's maximum; the server refuses one that does.
3.3.2-10 | c | A client accepts all topic aliases up to its maximum.
3.3.2-11 | s | A server uses no topic alias above the client's maximum.
3.3.2-12 | s | A server accepts all topic aliases up to its maximum.
3.3.2-13 | s | The response topic is a string.
3.3.2-14 | s | The response topic has no wildcards.
3.3.2-15 | s | The response topic is passed on as it came.
3.3.2-16 | s | The correlation data are passed on as they came.
3.3.2-17 | s | User properties are passed on as they came.
3.3.2-18 | s | User properties keep their order.
3.3.2-19 | s | The content type is a string.
3.3.2-20 | s | The content type is passed on as it came.
3.3.4-1 | s | A PUBLISH is answered as its QoS asks: not at all, by PUBACK, by PUBREC.
3.3.4-2 | s | Overlapping subscriptions: the highest QoS among them counts.
3.3.4-3 | s | Overlapping subscriptions: their identifiers come with the message.
3.3.4-4 | s | A single copy for overlapping subscriptions carries the identifiers of all of them.
3.3.4-5 | s | Several copies for overlapping subscriptions carry the identifier of their own one each.
3.3.4-6 | s | A PUBLISH from a client has no subscription identifier.
3.3.4-7 | s | A client has no more than the server's receive maximum under way; the server disconnects one that has.
3.3.4-8 | c | A client holds back nothing but PUBLISH for the sake of the receive maximum.
3.3.4-9 | s | The server has no more than the client's receive maximum under way.
3.3.4-10 | s | The server holds back nothing but PUBLISH for the sake of the receive maximum.
3.4.2-1 | s | PUBACK carries one of its reason codes.
3.4.2-2 | s | PUBACK goes without a reason string that would make it too large.
3.4.2-3 | s | PUBACK goes without user properties that would make it too large.
3.5.2-1 | s | PUBREC carries one of its reason codes.
3.5.2-2 | s | PUBREC goes without a reason string that would make it too large.
3.5.2-3 | s | PUBREC goes without user properties that would make it too large.
3.6.1-1 | s | The flags of PUBREL are 0010; anything else is malformed.
3.6.2-1 | s | PUBREL carries one of its reason codes.
3.6.2-2 | s | PUBREL goes without a reason string that would make it too large.
3.6.2-3 | s | PUBREL goes without user properties that would make it too large.
3.7.2-1 | s | PUBCOMP carries one of its reason codes.
3.7.2-2 | s | PUBCOMP goes without a reason string that would make it too large.
3.7.2-3 | s | PUBCOMP goes without user properties that would make it too large.
3.8.1-1 | s | The flags of SUBSCRIBE are 0010; anything else is malformed.
3.8.3-1 | s | Topic filters are strings.
3.8.3-2 | s | SUBSCRIBE has a filter at least.
3.8.3-3 | s | No local: a client does not get what it has published itself.
3.8.3-4 | s | No local on a shared subscription is a protocol error.
3.8.3-5 | s | Reserved bits of the subscription options are 0; else SUBSCRIBE is malformed.
3.8.4-1 | s | SUBSCRIBE is answered by SUBACK.
3.8.4-2 | s | SUBACK has the packet id of the SUBSCRIBE.
3.8.4-3 | s | The same filter again replaces the subscription.
3.8.4-4 | s | Replacing a subscription sends retained messages again (retain handling 0) and loses no message.
3.8.4-5 | s | Several filters in a SUBSCRIBE are like several SUBSCRIBEs, with one answer.
3.8.4-6 | s | SUBACK has a reason code for each filter.
3.8.4-7 | s | It tells the granted QoS, or that the subscription failed.
3.8.4-8 | s | A message is delivered at the lower of the QoS that it was published with and the one granted.
3.9.2-1 | s | SUBACK goes without a reason string that would make it too large.
3.9.2-2 | s | SUBACK goes without user properties that would make it too large.
3.9.3-1 | s | The reason codes of SUBACK are in the order of the filters.
3.9.3-2 | s | SUBACK carries the listed reason codes.
3.10.1-1 | s | The flags of UNSUBSCRIBE are 0010; anything else is malformed.
3.10.3-1 | s | The filters of UNSUBSCRIBE are strings.
3.10.3-2 | s | UNSUBSCRIBE has a filter at least.
3.10.4-1 | s | A filter is compared character by character, and its subscription deleted.
3.10.4-2 | s | After UNSUBSCRIBE no new message is added for the filter.
3.10.4-3 | s | QoS 1 and 2 deliveries that have begun are completed all the same.
3.10.4-4 | s | UNSUBSCRIBE is answered by UNSUBACK.
3.10.4-5 | s | UNSUBACK has the packet id of the UNSUBSCRIBE, and comes when there was no such subscription, too.
3.10.4-6 | s | Several filters in an UNSUBSCRIBE are like several UNSUBSCRIBEs, with one answer.
3.11.2-1 | s | UNSUBACK goes without a reason string that would make it too large.
3.11.2-2 | s | UNSUBACK goes without user properties that would make it too large.
3.11.3-1 | s | The reason codes of UNSUBACK are in the order of the filters.
3.11.3-2 | s | UNSUBACK carries the listed reason codes.
3.12.4-1 | s | PINGREQ is answered by PINGRESP.
3.14.0-1 | s | The server sends no DISCONNECT before a CONNACK that accepts.
3.14.1-1 | s | The flags of DISCONNECT are 0; anything else is malformed (0x81).
3.14.2-1 | s | DISCONNECT carries one of its reason codes.
3.14.2-2 | s | The server's DISCONNECT has no session expiry interval.
3.14.2-3 | s | DISCONNECT goes without a reason string that would make it too large.
3.14.2-4 | s | DISCONNECT goes without user properties that would make it too large.
3.14.4-1 | s | Nothing is sent after DISCONNECT.
3.14.4-2 | s | Who has sent DISCONNECT closes the connection.
3.14.4-3 | s | DISCONNECT 0x00 from a client discards its will.
3.15.1-1 | s | The flags of AUTH are 0; anything else is malformed.
3.15.2-1 | s | AUTH carries one of its reason codes.
3.15.2-2 | s | AUTH goes without a reason string that would make it too large.
3.15.2-3 | s | AUTH goes without user properties that would make it too large.
4.1.0-1 | s | A session is not discarded while its connection is open.
4.1.0-2 | s | A session is discarded when its connection is closed and its expiry interval has passed.
4.2-1 | s | There is a transport that carries an ordered, lossless stream of bytes both ways.
4.3.1-1 | s | QoS 0 is sent with DUP 0.
4.3.2-1 | s | QoS 1: a new message gets a packet id that is not in use.
4.3.2-2 | s | QoS 1: it is sent with that id and DUP 0.
4.3.2-3 | s | QoS 1: it is unacknowledged until PUBACK.
4.3.2-4 | s | QoS 1: the receiver answers with PUBACK and the id, once it owns the message.
4.3.2-5 | s | QoS 1: after PUBACK the id means a new message, whatever DUP says.
4.3.3-1 | s | QoS 2: a new message gets a packet id that is not in use.
4.3.3-2 | s | QoS 2: it is sent with that id and DUP 0.
4.3.3-3 | s | QoS 2: it is unacknowledged until PUBREC.
4.3.3-4 | s | QoS 2: PUBREC below 0x80 is answered by PUBREL with the same id.
4.3.3-5 | s | QoS 2: PUBREL is unacknowledged until PUBCOMP.
4.3.3-6 | s | QoS 2: the message is not sent again once PUBREL has been.
4.3.3-7 | s | QoS 2: a message that has been sent no longer expires.
4.3.3-8 | s | QoS 2: the receiver answers with PUBREC and the id, once it owns the message.
4.3.3-9 | s | QoS 2: after a PUBREC of 0x80 or above the id means a new message.
4.3.3-10 | s | QoS 2: until PUBREL the same id is answered by PUBREC again, and nobody gets the message twice.
4.3.3-11 | s | QoS 2: PUBREL is answered by PUBCOMP with the same id.
4.3.3-12 | s | QoS 2: after PUBCOMP the id means a new message.
4.3.3-13 | s | QoS 2: the exchange is completed even if the message has expired.
4.4.0-1 | s | When a session is resumed, what is unacknowledged is sent again with its packet id, and at no other time.
4.4.0-2 | s | A PUBLISH that is answered by 0x80 or above is acknowledged and not sent again.
4.5.0-1 | s | A message that the server has taken is added to the sessions of all matching subscribers.
4.5.0-2 | c | A client acknowledges what it receives, whether it makes use of it or not.
4.6.0-1 | c | A client sends again in the order in which it sent first.
4.6.0-2 | c | A client sends PUBACKs in the order in which it received.
4.6.0-3 | c | A client sends PUBRECs in the order in which it received.
4.6.0-4 | c | A client sends PUBRELs in the order of the PUBRECs.
4.6.0-5 | s | Messages of one publisher, topic and QoS reach a subscriber in the order in which they came.
4.6.0-6 | s | That holds for every topic and non-shared subscription.
4.7.0-1 | s | Wildcards stand in filters, never in names.
4.7.1-1 | s | # is the whole last level of a filter.
4.7.1-2 | s | + is a whole level of a filter.
4.7.2-1 | s | A filter that begins with a wildcard matches no name that begins with $.
4.7.3-1 | s | Names and filters have a character at least.
4.7.3-2 | s | Names and filters have no U+0000.
4.7.3-3 | s | Names and filters have 65,535 bytes at most.
4.7.3-4 | s | Names and filters are compared as they are, without any normalisation.
4.8.2-1 | s | A shared subscription begins with $share/ and a name of a character at least.
4.8.2-2 | s | The name has none of / + # and is followed by / and a filter.
4.8.2-3 | s | A shared subscription's messages come at the QoS granted to the member.
4.8.2-4 | s | A QoS 2 delivery to a member that has begun is completed with it when it comes back.
4.8.2-5 | s | If its session ends first, no other member gets that message.
4.8.2-6 | s | A message that a member answers with 0x80 or above goes to no other member.
4.9.0-1 | s | The send quota begins above 0 and not above the receive maximum.
4.9.0-2 | s | At a send quota of 0 no PUBLISH above QoS 0 is sent.
4.9.0-3 | s | All other packets are handled at a quota of 0 as well.
4.12.0-1 | s | An authentication method that is not offered ends the connection.
4.12.0-2 | s | AUTH from the server before CONNACK has reason 0x18.
4.12.0-3 | s | AUTH from the client before CONNACK has reason 0x18.
4.12.0-4 | s | A failed authentication ends the connection.
4.12.0-5 | s | AUTH and the CONNACK that accepts name the method of CONNECT.
4.12.0-6 | s | Without a method in CONNECT the server sends no AUTH and names no method.
4.12.0-7 | s | Without a method in CONNECT the client sends no AUTH.
4.12.1-1 | s | A client may authenticate anew, by the same method.
4.12.1-2 | s | If that fails, the connection ends.
4.13.1-1 | s | A malformed packet or protocol error ends the connection, with the reason code that the standard gives.
4.13.2-1 | s | A reason code of 0x80 or above in CONNACK or DISCONNECT ends the connection.
6.0.0-1 | w | MQTT travels in binary frames; any other data frame ends the connection.
6.0.0-2 | w | Packets and frames need not begin and end together.
6.0.0-3 | c | A client offers the subprotocol mqtt.
6.0.0-4 | w | The server selects the subprotocol mqtt.
`;
