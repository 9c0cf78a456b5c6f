import { ok, type Finding } from '../finding'

/** What a token says, without what makes it a secret. */
export function checkToken(token: string, expiresAt: Date): Finding {
  const { host, searchParams } = new URL(`https://${token}`)
  const value = (name: string): string => searchParams.get(name) ?? ''
  const [key = '', , region = ''] = value('X-Amz-Credential').split('/')
  return ok('token', `for ${value('DBUser')} at ${host}, ${region}, until ${expiresAt.toISOString()}`, [
    `signed at ${value('X-Amz-Date')} by ${key}, good for ${value('X-Amz-Expires')} s`,
    `${searchParams.has('X-Amz-Security-Token') ? 'with' : 'without'} a session token, ${token.length} characters`,
  ])
}
