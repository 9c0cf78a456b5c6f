import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ChildProcess } from 'node:child_process'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { fromIni } from '@aws-sdk/credential-providers'
import type { AwsCredentialIdentity } from '@smithy/types'
import { processFailure, unavailable } from './source-errors'

const PROCESS_STARTED = 'child_process'
const MINUTE_MS = 60_000

type SdkSettings = Parameters<typeof fromIni>[0]

/** The name of the profile that the SDK reads. */
export function profileInUse(profile: string | undefined): string {
  return profile ?? (process.env['AWS_PROFILE'] || 'default')
}

/**
 * Fetches credentials from the profile in the shared files. Calls share a fetch in flight, because a
 * `credential_process` may prompt the user. After a minute, the next call starts a second fetch.
 */
export function createProfileSource(
  profile: string | undefined,
  settings: SdkSettings,
): () => Promise<AwsCredentialIdentity> {
  let running: { identity: Promise<AwsCredentialIdentity>; sinceMs: number } | undefined
  return async () => {
    const nowMs = Date.now()
    if (running && Math.abs(nowMs - running.sinceMs) < MINUTE_MS) return running.identity
    const mine = { identity: fetchFromProfile(settings, profile), sinceMs: nowMs }
    running = mine
    try {
      return await mine.identity
    } finally {
      if (running === mine) running = undefined
    }
  }
}

async function fetchFromProfile(
  settings: SdkSettings,
  profile: string | undefined,
): Promise<AwsCredentialIdentity> {
  const name = profileInUse(profile)
  const isNamed = Boolean(profile ?? process.env['AWS_PROFILE'])
  // Containers usually have no shared files. Check this first, because loading the SDK's profile source is slow.
  if (!isNamed && !(await hasSharedFiles())) throw new Error(unresolved(name))
  const { fromIni } = await import('@aws-sdk/credential-providers')
  const processes: ChildProcess[] = []
  const watch = (message: unknown): void =>
    void processes.push((message as { process: ChildProcess }).process)
  subscribe(PROCESS_STARTED, watch)
  try {
    return await fromIni(settings)()
  } catch (error) {
    if (isUnresolved(error, name) && isNamed) await checkProfile(name, error)
    throw (
      processFailure(error, `the credential_process of the profile ${JSON.stringify(name)}`, processes) ??
      error
    )
  } finally {
    unsubscribe(PROCESS_STARTED, watch)
  }
}

/** Whether one of the shared files exists, where the SDK looks for them. */
async function hasSharedFiles(): Promise<boolean> {
  const { access } = (require('node:fs') as typeof import('node:fs')).promises
  const { AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, HOME, USERPROFILE, HOMEPATH, HOMEDRIVE } = process.env
  const home = HOME || USERPROFILE || (HOMEPATH ? `${HOMEDRIVE ?? 'C:\\'}${HOMEPATH}` : homedir())
  const files = [
    AWS_CONFIG_FILE || join(home, '.aws', 'config'),
    AWS_SHARED_CREDENTIALS_FILE || join(home, '.aws', 'credentials'),
  ]
  const found = await Promise.allSettled(files.map((file) => access(file.replace(/^~(?=\/)/, home))))
  return found.some(({ status }) => status === 'fulfilled')
}

/** Throws if the profile does not exist. A profile without credentials is valid (it may have only a region). */
async function checkProfile(name: string, cause: unknown): Promise<void> {
  const { parseKnownFiles } = await import('@smithy/core/config')
  if (Object.hasOwn(await parseKnownFiles({ ignoreCache: true }), name)) return
  throw unavailable(
    `the profile ${JSON.stringify(name)} does not exist in the shared AWS files (~/.aws/config and ` +
      '~/.aws/credentials, or where AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE point)',
    cause,
  )
}

/** Whether this profile has no credentials. For its `source_profile`, the SDK's message has the other name. */
export function isUnresolved(error: unknown, profile: string): boolean {
  return (error as Error).message.startsWith(unresolved(profile))
}

function unresolved(profile: string): string {
  return `Could not resolve credentials using profile: [${profile}]`
}
