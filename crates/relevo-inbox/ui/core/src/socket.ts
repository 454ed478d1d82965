/**
 * The live line to the server, without a framework: a socket that keeps itself connected, and an outbox
 * that makes sure that what a person wrote is neither lost nor doubled while the line is down.
 *
 * Neither polls. The server pings (a browser answers by itself, and does not show it to the page), so what is
 * left for the page is to notice that the network or the person came back, and that an answer is overdue.
 */
export { createSocket, Refused, CLOSE } from './connection';
export type { Closed, Socket, SocketOptions, SocketState } from './connection';
export { createOutbox, newClientId, safeStorage } from './outbox';
export type { Entry, Outbox, OutboxOptions, Refusal, StorageLike } from './outbox';
