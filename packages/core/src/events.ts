import { channel, type Channel } from 'node:diagnostics_channel'
import type { Address } from './iam-options'

/** Messages of the channel `rds-iam:token.signed`. Durations are in milliseconds. */
export interface TokenSignedEvent {
  endpoint: Address
  region: string
  user: string
  expiresAt: Date
  /** How long the region, the credentials and the signature took together. */
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
  /** Absent if credentials could not be refreshed, or the region was not found. */
  endpoint?: Address
  user?: string
  error: unknown
  /** Whether an old value that is still valid was used instead; otherwise a login failed. */
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

/** The messages of each channel, without its prefix `rds-iam:`. */
interface Events {
  'token.signed': TokenSignedEvent
  'token.reused': TokenReusedEvent
  'token.renewal-failed': TokenRenewalFailedEvent
  'credentials.short-lived': CredentialsShortLivedEvent
  'login.refused': LoginRefusedEvent
  'connection.lost': ConnectionLostEvent
}

const channels: Record<keyof Events, Channel> = {
  'token.signed': channel('rds-iam:token.signed'),
  'token.reused': channel('rds-iam:token.reused'),
  'token.renewal-failed': channel('rds-iam:token.renewal-failed'),
  'credentials.short-lived': channel('rds-iam:credentials.short-lived'),
  'login.refused': channel('rds-iam:login.refused'),
  'connection.lost': channel('rds-iam:connection.lost'),
}

/** Publishes an event. It is made only if somebody has subscribed. */
export function publish<Name extends keyof Events>(name: Name, makeEvent: () => Events[Name]): void {
  const { [name]: target } = channels
  if (target.hasSubscribers) target.publish(makeEvent())
}
