import { describe, expect, it } from 'vitest'
import { expectSignedBy, RDS, signerOf, testStage } from './scene'
import { everythingShown } from './secrets'

describe('environment variables', () => {
  const stage = testStage()

  function become(name: string, more: Record<string, string> = {}) {
    const identity = {
      accessKeyId: `ASIA${name.toUpperCase()}`,
      secretAccessKey: `secretKeyOf/${name}+PaddedToItsLength`,
      sessionToken: `sessionTokenOf${name}WithEnoughLetters==`,
    }
    stage.guard(identity.secretAccessKey, identity.sessionToken)
    stage.set({
      AWS_ACCESS_KEY_ID: identity.accessKeyId,
      AWS_SECRET_ACCESS_KEY: identity.secretAccessKey,
      AWS_SESSION_TOKEN: identity.sessionToken,
      ...more,
    })
    return identity
  }
  const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1_000).toISOString()

  it('sign a token that is valid for 900 seconds', async () => {
    const identity = become('one')
    const token = await stage.provider().getToken()
    expectSignedBy(token, identity)
    expect(token.expiresAt.getTime() - Date.now()).toBe(900_000)
  })

  it('sign without a session token', async () => {
    stage.set({ AWS_ACCESS_KEY_ID: 'AKIALONG', AWS_SECRET_ACCESS_KEY: 'secretKeyOfAUser' })
    const token = await stage.provider().getToken()
    expect(signerOf(token)).toEqual({ accessKeyId: 'AKIALONG', sessionToken: undefined })
  })

  it('may set the expiry of the credentials', async () => {
    become('short', { AWS_CREDENTIAL_EXPIRATION: inSeconds(60) })
    const token = await stage.provider().getToken()
    expect(token.expiresAt.getTime() - Date.now()).toBe(60_000)
  })

  it('are read again before the credentials expire', async () => {
    become('old', { AWS_CREDENTIAL_EXPIRATION: inSeconds(60) })
    const provider = stage.provider()
    const { expiresAt } = await provider.getToken()
    const next = become('new', { AWS_CREDENTIAL_EXPIRATION: inSeconds(120) })
    stage.passSeconds(46)
    const token = await provider.getToken()
    expectSignedBy(token, next)
    expect(token.issuedAt < expiresAt).toBe(true)
  })

  it('are read again for each token when they have no expiry', async () => {
    const first = become('first')
    const provider = stage.provider()
    expectSignedBy(await provider.getToken(), first)
    const second = become('second')
    expectSignedBy(await provider.getToken(), first)
    stage.passSeconds(850)
    expectSignedBy(await provider.getToken(), second)
    const third = become('third')
    expectSignedBy(await provider.getToken({ forceRefresh: true }), third)
  })

  it('sign no token when their credentials have expired', async () => {
    become('ended', { AWS_CREDENTIAL_EXPIRATION: inSeconds(-1) })
    const error = await stage.failure(stage.provider().getToken())
    expect(error.code).toBe('CREDENTIALS_EXPIRED')
    expect(error.message).toContain('2031-05-06T07:08:08')
  })

  it('are named in the error when the secret key ends with a newline', async () => {
    become('written')
    stage.set({ AWS_SECRET_ACCESS_KEY: 'secretKeyOf/echo+PaddedToItsLength\n' })
    stage.guard('secretKeyOf/echo+PaddedToItsLength')
    const error = await stage.failure(stage.provider().getToken())
    expect(error.code).toBe('CREDENTIALS_UNAVAILABLE')
    expect(error.message).toContain(
      'the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) returned unusable credentials: ' +
        'the secretAccessKey ends with a newline',
    )
  })

  it('are rejected when the expiry is not a date', async () => {
    become('odd', { AWS_CREDENTIAL_EXPIRATION: 'tomorrow' })
    const error = await stage.failure(stage.provider().getToken())
    expect(error.code).toBe('CREDENTIALS_UNAVAILABLE')
    expect(everythingShown(error.cause)).toContain('expiration is not a valid Date')
  })

  it('are not used when AWS_PROFILE or the option profile is set, as in the SDK', async () => {
    become('environment')
    const files =
      '[one]\naws_access_key_id = AKIAONE\naws_secret_access_key = secretKeyNumberOne\n' +
      '[two]\naws_access_key_id = AKIATWO\naws_secret_access_key = secretKeyNumberTwo\n'
    stage.set({ AWS_SHARED_CREDENTIALS_FILE: stage.write('credentials', files), AWS_PROFILE: 'one' })
    expect(signerOf(await stage.provider().getToken()).accessKeyId).toBe('AKIAONE')
    expect(signerOf(await stage.provider({ profile: 'two' }).getToken()).accessKeyId).toBe('AKIATWO')
  })

  it('sign for the given host, port, region and user', async () => {
    become('one')
    const { value } = await stage.provider().getToken()
    expect(value).toContain(`${RDS.host}:${RDS.port}/?`)
    expect(value).toContain(`DBUser=${RDS.user}`)
    expect(value).toContain('%2Feu-west-1%2Frds-db%2F')
  })
})
