/**
 * Enhanced authentication (5.0, section 4.12): a conversation of challenges and answers instead of a password. A method is one object per reactor; each
 * client's conversation is an exchange of its own. Answers may come later, from other threads too.
 */

export type AuthStep =
  /** The client is to answer this. */
  | { readonly kind: 'challenge'; readonly data: Uint8Array }
  /** It is who it says; `data` goes along with the good news. */
  | { readonly kind: 'success'; readonly username: string; readonly data?: Uint8Array }
  | { readonly kind: 'failure'; readonly reason: number };

export interface AuthExchange {
  /** Takes what the client has sent, undefined for nothing, and calls `then` once. */
  continue(data: Uint8Array | undefined, then: (step: AuthStep) => void): void;
}

export interface EnhancedAuthenticator {
  /** As clients name it in CONNECT. */
  readonly method: string;
  start(): AuthExchange;
}
