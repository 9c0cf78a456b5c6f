import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SigningCredentials } from '@rds-iam/core/internal'
import { describe, expect, it } from 'vitest'
import { expectSignedBy, signerOf, testStage } from './scene'
import { everythingShown } from './secrets'

describe('shared files', () => {
  const stage = testStage()

  function section(title: string, accessKeyId: string, more = ''): string {
    const secret = `secretKeyOf${accessKeyId}`
    stage.guard(secret)
    return `[${title}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secret}\n${more}\n`
  }
  function credentials(...sections: string[]): void {
    stage.set({
      AWS_SHARED_CREDENTIALS_FILE: stage.write('credentials', sections.join('\n')),
      AWS_EC2_METADATA_DISABLED: 'true',
    })
  }
  function config(...lines: string[]): void {
    stage.set({ AWS_CONFIG_FILE: stage.write('config', lines.join('\n')), AWS_EC2_METADATA_DISABLED: 'true' })
  }
  const keyOf = async (options: { profile?: string } = {}): Promise<string | undefined> =>
    signerOf(await stage.provider(options).getToken()).accessKeyId

  it('have a default profile', async () => {
    credentials(section('default', 'AKIADEFAULT'), section('other', 'AKIAOTHER'))
    const token = await stage.provider().getToken()
    expectSignedBy(token, { accessKeyId: 'AKIADEFAULT', secretAccessKey: 'secretKeyOfAKIADEFAULT' })
    expect(token.expiresAt.getTime() - Date.now()).toBe(900_000)
  })

  it('have named profiles, selected by AWS_PROFILE or by the option, which overrides it', async () => {
    credentials(section('one', 'AKIAONE'), section('two', 'AKIATWO'))
    stage.set({ AWS_PROFILE: 'one' })
    expect(await keyOf()).toBe('AKIAONE')
    expect(await keyOf({ profile: 'two' })).toBe('AKIATWO')
  })

  const fetchKey = async () => (await new SigningCredentials({}).get()).identity.accessKeyId

  it('do not give one profile the credentials of another when AWS_PROFILE changes during a fetch', async () => {
    credentials(section('one', 'AKIAONE'), section('two', 'AKIATWO'))
    stage.set({ AWS_PROFILE: 'one' })
    const during = fetchKey()
    stage.set({ AWS_PROFILE: 'two' })
    expect(await during).toBe('AKIAONE')
    expect(await fetchKey()).toBe('AKIATWO')
  })

  it('may have keys in the configuration file', async () => {
    config(section('profile app', 'AKIACONFIG'))
    expect(await keyOf({ profile: 'app' })).toBe('AKIACONFIG')
  })

  it('are read from the home directory', async () => {
    const home = join(dirname(stage.write('x', '')), '.aws')
    mkdirSync(home)
    stage.write('.aws/credentials', section('default', 'AKIAHOME'))
    expect(await keyOf()).toBe('AKIAHOME')
  })

  it('may have a session token', async () => {
    credentials(section('default', 'ASIASESSION', 'aws_session_token = sessionTokenInAFile=='))
    stage.guard('sessionTokenInAFile==')
    expect(signerOf(await stage.provider().getToken()).sessionToken).toBe('sessionTokenInAFile==')
  })

  it('are read again for each token, and immediately when a refresh is forced', async () => {
    credentials(section('default', 'AKIAFIRST'))
    const provider = stage.provider()
    const first = await provider.getToken()
    credentials(section('default', 'AKIASECOND'))
    expect(await provider.getToken()).toBe(first)
    expect(signerOf(await provider.getToken({ forceRefresh: true })).accessKeyId).toBe('AKIASECOND')
    credentials(section('default', 'AKIATHIRD'))
    stage.passSeconds(850)
    expect(signerOf(await provider.getToken()).accessKeyId).toBe('AKIATHIRD')
  })

  it('may be deleted: the old token is used until it expires', async () => {
    credentials(section('default', 'AKIAGONE'))
    const provider = stage.provider()
    await provider.getToken()
    credentials()
    stage.passSeconds(850)
    expect(signerOf(await provider.getToken()).accessKeyId).toBe('AKIAGONE')
    const error = await stage.failure(provider.getToken({ forceRefresh: true }))
    expect(error.code).toBe('CREDENTIALS_UNAVAILABLE')
  })

  it.each([
    ['has no such profile', () => credentials(section('default', 'AKIADEFAULT'))],
    ['is garbage', () => credentials('[nowhere\naws_access_key_id\n\u0000=')],
    ['does not exist', () => stage.set({ AWS_SHARED_CREDENTIALS_FILE: '/nonexistent/credentials' })],
    ['has an incomplete key', () => credentials('[app]\naws_access_key_id = AKIAHALF')],
  ])('name the profile in the error when the file %s', async (_, prepare) => {
    prepare()
    stage.set({ AWS_EC2_METADATA_DISABLED: 'true' })
    const error = await stage.failure(stage.provider({ profile: 'app' }).getToken())
    expect(error.code).toBe('CREDENTIALS_UNAVAILABLE')
    expect(everythingShown(error.cause)).toContain('[app]')
  })

  it.each([
    ['the option', { profile: 'app' }, {}],
    ['AWS_PROFILE', {}, { AWS_PROFILE: 'app' }],
  ])("do not fall back to the instance's role when they lack the profile of %s", async (_, option, env) => {
    const scene = await stage.startEndpoints()
    credentials(section('default', 'AKIADEFAULT'))
    stage.set({ ...scene.env.imds, AWS_EC2_METADATA_DISABLED: 'false', ...env })
    const error = await stage.failure(stage.provider(option).getToken())
    expect(error).toMatchObject({
      code: 'CREDENTIALS_UNAVAILABLE',
      message: expect.stringContaining('the profile "app" does not exist'),
    })
    expect(scene.requests.imds).toBe(0)
  })

  it("do not fall back to the instance's role when they lack the source_profile", async () => {
    const scene = await stage.startEndpoints()
    config('[profile app]', 'role_arn = arn:aws:iam::123456789012:role/app', 'source_profile = gone')
    stage.set({ ...scene.env.imds, AWS_EC2_METADATA_DISABLED: 'false' })
    const error = await stage.failure(stage.provider({ profile: 'app' }).getToken())
    expect(error.message).toContain('[gone]')
    expect(scene.requests.imds).toBe(0)
  })

  it('may have a profile with only a region, which leaves the login to the other sources', async () => {
    const scene = await stage.startEndpoints()
    config('[profile app]', 'region = eu-west-1')
    stage.set({ ...scene.env.imds, AWS_EC2_METADATA_DISABLED: 'false' })
    expectSignedBy(await stage.provider({ profile: 'app' }).getToken(), scene.issued[0]!)
  })

  const SSO = `[profile app]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = dev
[sso-session corp]
sso_region = eu-west-1
sso_start_url = https://corp.awsapps.com/start
`
  const SSO_LEGACY = `[profile app]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
sso_account_id = 123456789012
sso_role_name = dev
`
  it.each([
    ['an SSO session without a sign-in', SSO, 'run `aws sso login --profile app`'],
    ['an SSO start URL without a sign-in', SSO_LEGACY, 'run `aws sso login --profile app`'],
    [
      'a login session without a sign-in',
      '[profile app]\nlogin_session = arn:aws:iam::123456789012:user/dev',
      'run `aws login --profile app`',
    ],
    [
      'a role that requires MFA',
      `[profile app]
role_arn = arn:aws:iam::123456789012:role/app
source_profile = user
mfa_serial = arn:aws:iam::123456789012:mfa/user
[profile user]
aws_access_key_id = AKIAUSER
aws_secret_access_key = secretKeyOfTheUser`,
      'requires MFA',
    ],
  ])('are explained in the error when they have %s', async (_, content, expected) => {
    stage.guard('secretKeyOfTheUser')
    config(content)
    const error = await stage.failure(stage.provider({ profile: 'app' }).getToken())
    expect(error.code).toBe('CREDENTIALS_UNAVAILABLE')
    expect(error.message).toContain(expected)
  })

  it('are explained in the error, with the command to run, when their SSO session has expired', async () => {
    config(SSO)
    const cache = join(dirname(stage.write('x', '')), '.aws', 'sso', 'cache')
    mkdirSync(cache, { recursive: true })
    const token = { accessToken: 'accessTokenOfTheSession', expiresAt: '2031-05-06T06:00:00Z' }
    stage.guard(token.accessToken)
    const name = createHash('sha1').update('corp').digest('hex')
    stage.write(`.aws/sso/cache/${name}.json`, JSON.stringify(token))
    const error = await stage.failure(stage.provider({ profile: 'app' }).getToken())
    expect(error.message).toContain('has expired')
    expect(error.message).toContain('run `aws sso login --profile app`')
  })

  describe('with a role', () => {
    const ROLE = 'role_arn = arn:aws:iam::123456789012:role/app\nregion = eu-west-1'

    it.each([
      ['EcsContainer', 'container'],
      ['Ec2InstanceMetadata', 'imds'],
    ] as const)('assume it with credentials from %s', async (source, name) => {
      const scene = await stage.startEndpoints()
      stage.set({ ...scene.env[name], AWS_ENDPOINT_URL_STS: scene.url })
      config(`[profile app]\n${ROLE}\ncredential_source = ${source}`)
      expectSignedBy(await stage.provider({ profile: 'app' }).getToken(), scene.issued[1]!)
      expect(scene.requests).toMatchObject({ sts: 1, [name]: name === 'imds' ? 3 : 1 })
    })

    it('assume it with a web identity, also when the first request hung', async () => {
      const scene = await stage.startEndpoints()
      stage.set({ AWS_ENDPOINT_URL_STS: scene.url })
      config(
        `[profile app]\n${ROLE}`,
        `web_identity_token_file = ${scene.env.webIdentity['AWS_WEB_IDENTITY_TOKEN_FILE']}`,
      )
      const provider = stage.provider({ profile: 'app', timeoutMs: 1_000 })
      scene.setFault('sts', 'hang')
      expect((await stage.failure(provider.getToken())).code).toBe('TOKEN_TIMEOUT')
      scene.setFault('sts')
      const token = await provider.getToken()
      // The SDK itself sends one more request, for the fetch that timed out.
      const { accessKeyId } = signerOf(token)
      expectSignedBy(
        token,
        scene.issued.find((identity) => identity.accessKeyId === accessKeyId)!,
      )
    })
  })
})
