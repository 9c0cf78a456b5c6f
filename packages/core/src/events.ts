import { channel } from 'node:diagnostics_channel'
import type { Address } from './iam-options'
import type { AuthToken } from './token/auth-token'
import type { LoginTo } from './token/sign'

/** Messages of the channel `rds-iam:token.signed`. Durations are in milliseconds. */
export interface TokenSignedEvent {
  endpoint: Address
  region: string
  user: string
  expiresAt: Date
  /** Region, credentials and signature together. */
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
  /** Absent when it was credentials that could not be renewed, or the region not found. */
  endpoint?: Address
  user?: string
  error: unknown
  /** Whether a token that is still good was used instead; otherwise a login failed. */
  bridged: boolean
}

/** Messages of the channel `rds-iam:credentials.short-lived`: they end before a token would. */
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

const tokenSigned = channel('rds-iam:token.signed')
const tokenReused = channel('rds-iam:token.reused')
const tokenRenewalFailed = channel('rds-iam:token.renewal-failed')
const credentialsShortLived = channel('rds-iam:credentials.short-lived')
const loginRefused = channel('rds-iam:login.refused')
const connectionLost = channel('rds-iam:connection.lost')

export function publishSigned(login: LoginTo, { expiresAt }: AuthToken, durationMs: number): void {
  if (tokenSigned.hasSubscribers)
    tokenSigned.publish({ ...login, expiresAt, durationMs } satisfies TokenSignedEvent)
}

export function publishReused(login: LoginTo | undefined, { expiresAt }: AuthToken): void {
  if (login && tokenReused.hasSubscribers) {
    tokenReused.publish({ ...login, expiresAt } satisfies TokenReusedEvent)
  }
}

export function publishRenewalFailed(login: LoginTo | undefined, error: unknown, bridged: boolean): void {
  if (tokenRenewalFailed.hasSubscribers) {
    tokenRenewalFailed.publish({ ...login, error, bridged } satisfies TokenRenewalFailedEvent)
  }
}

export function publishShortLived(expiresAt: Date): void {
  if (credentialsShortLived.hasSubscribers) {
    credentialsShortLived.publish({ expiresAt } satisfies CredentialsShortLivedEvent)
  }
}

export function publishRefused(login: LoginTo, error: unknown): void {
  if (loginRefused.hasSubscribers) loginRefused.publish({ ...login, error } satisfies LoginRefusedEvent)
}

export function publishLost(endpoint: Address, user: string, error: unknown): void {
  if (connectionLost.hasSubscribers)
    connectionLost.publish({ endpoint, user, error } satisfies ConnectionLostEvent)
}
