import { channel, type Channel } from 'node:diagnostics_channel'
import type { Address } from './address'

/** Messages of the channel `rds-iam:token.signed`. Durations are in milliseconds. */
export interface TokenSignedEvent {
  endpoint: Address
  region: string
  user: string
  expiresAt: Date
  /** Time to find the region, fetch the credentials and sign. */
  durationMs: number
}

/** Messages of the channel `rds-iam:token.reused`. */
export interface TokenReusedEvent {
  endpoint: Address
  region: string
  user: string
  expiresAt: Date
}

/** Messages of the channel `rds-iam:token.renewal-failed`. */
export interface TokenRenewalFailedEvent {
  /** Absent when refreshing the credentials failed, or no region was found. */
  endpoint?: Address
  user?: string
  error: unknown
  /** Whether the old value was still valid and was used instead. If false, a login failed. */
  bridged: boolean
}

/** Messages of the channel `rds-iam:credentials.short-lived`: credentials that expire before a token would. */
export interface CredentialsShortLivedEvent {
  expiresAt: Date
}

/** Messages of the channel `rds-iam:login.refused`: the server did not accept a token. */
export interface LoginRefusedEvent {
  endpoint: Address
  region: string
  user: string
  error: unknown
}

/** Messages of the channel `rds-iam:connection.lost`: the server closed an idle connection. */
export interface ConnectionLostEvent {
  endpoint: Address
  user: string
  error: unknown
}

/** Messages of the channel `rds-iam:writer.moved`: a cluster's connections go to another writer from now on. */
export interface WriterMovedEvent {
  /** The cluster's endpoint. */
  cluster: Address
  /** The host of the previous writer, if it was known. */
  from?: string
  /** The host of the new writer. */
  to: string
  /** Time to find the new writer. */
  searchMs: number
}

/** Messages of the channel `rds-iam:connection.retired`: we closed a connection to a server that is not the writer. */
export interface ConnectionRetiredEvent {
  /** The endpoint that was dialled. */
  endpoint: Address
  /** Why: the server is a reader, or a search found the writer elsewhere. */
  reason: 'NOT_WRITER' | 'WRITER_MOVED'
}

/** The messages of each channel, without its prefix `rds-iam:`. */
interface Events {
  'token.signed': TokenSignedEvent
  'token.reused': TokenReusedEvent
  'token.renewal-failed': TokenRenewalFailedEvent
  'credentials.short-lived': CredentialsShortLivedEvent
  'login.refused': LoginRefusedEvent
  'connection.lost': ConnectionLostEvent
  'writer.moved': WriterMovedEvent
  'connection.retired': ConnectionRetiredEvent
}

const channels: Record<keyof Events, Channel> = {
  'token.signed': channel('rds-iam:token.signed'),
  'token.reused': channel('rds-iam:token.reused'),
  'token.renewal-failed': channel('rds-iam:token.renewal-failed'),
  'credentials.short-lived': channel('rds-iam:credentials.short-lived'),
  'login.refused': channel('rds-iam:login.refused'),
  'connection.lost': channel('rds-iam:connection.lost'),
  'writer.moved': channel('rds-iam:writer.moved'),
  'connection.retired': channel('rds-iam:connection.retired'),
}

/** Publishes an event. Creates the message only if the channel has subscribers. */
export function publish<Name extends keyof Events>(name: Name, makeEvent: () => Events[Name]): void {
  const { [name]: target } = channels
  if (target.hasSubscribers) target.publish(makeEvent())
}
