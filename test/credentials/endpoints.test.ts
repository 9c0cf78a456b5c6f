import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { startCredentialEndpoints } from '../support/credential-endpoints/credential-endpoints'
import { testStage, type Scene } from './scene'

const ROLES = '/latest/meta-data/iam/security-credentials/'

describe('credential endpoints', () => {
  const stage = testStage()

  async function session({ url }: Scene, headers: Record<string, string> = {}): Promise<Response> {
    const given = { 'x-aws-ec2-metadata-token-ttl-seconds': '60', ...headers }
    return fetch(`${url}/latest/api/token`, { method: 'PUT', headers: given })
  }
  async function metadata({ url }: Scene, path: string, token?: string): Promise<Response> {
    return fetch(url + path, token === undefined ? {} : { headers: { 'x-aws-ec2-metadata-token': token } })
  }
  async function container(
    { env }: Scene,
    authorization = env.container['AWS_CONTAINER_AUTHORIZATION_TOKEN'],
  ) {
    const headers = authorization === undefined ? {} : { authorization }
    return fetch(env.container['AWS_CONTAINER_CREDENTIALS_FULL_URI'] ?? '', { headers })
  }
  async function sts({ url }: Scene, parameters: Record<string, string>, accessKeyId?: string) {
    const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20310506/us-east-1/sts/aws4_request, Signature=0`
    const response = await fetch(url, {
      method: 'POST',
      body: new URLSearchParams({ Version: '2011-06-15', ...parameters }),
      headers: accessKeyId === undefined ? {} : { authorization },
    })
    return { status: response.status, body: await response.text() }
  }

  it('listen on loopback only', async () => {
    const { url } = await stage.startEndpoints()
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  })

  describe('EC2 instance metadata', () => {
    it('return credentials for a session token', async () => {
      const scene = await stage.startEndpoints({ role: 'web' })
      const opened = await session(scene)
      const token = await opened.text()
      expect(opened.headers.get('x-aws-ec2-metadata-token-ttl-seconds')).toBe('60')
      expect(await (await metadata(scene, ROLES, token)).text()).toBe('web')
      expect(await (await metadata(scene, `${ROLES}web`, token)).json()).toEqual({
        Code: 'Success',
        LastUpdated: '2031-05-06T07:08:09Z',
        Type: 'AWS-HMAC',
        AccessKeyId: scene.issued[0]!.accessKeyId,
        SecretAccessKey: scene.issued[0]!.secretAccessKey,
        Token: scene.issued[0]!.sessionToken,
        Expiration: '2031-05-06T08:08:09Z',
      })
      expect(scene.issued[0]!.accessKeyId).toMatch(/^ASIA[A-Z0-9]{16}$/)
      expect((await metadata(scene, `${ROLES}db`, token)).status).toBe(404)
      expect(scene.requests).toEqual({ imds: 4, container: 0, sts: 0 })
    })

    it('refuse IMDSv1 requests and an expired session token', async () => {
      const scene = await stage.startEndpoints()
      const token = await (await session(scene)).text()
      expect((await metadata(scene, ROLES)).status).toBe(401)
      expect((await metadata(scene, ROLES, 'made-up')).status).toBe(401)
      stage.passSeconds(59)
      expect((await metadata(scene, ROLES, token)).status).toBe(200)
      stage.passSeconds(1)
      expect((await metadata(scene, ROLES, token)).status).toBe(401)
      expect(scene.issued).toEqual([])
    })

    it.each([
      [400, { 'x-aws-ec2-metadata-token-ttl-seconds': '21601' }],
      [400, { 'x-aws-ec2-metadata-token-ttl-seconds': '0' }],
      [400, { 'x-aws-ec2-metadata-token-ttl-seconds': 'long' }],
      [403, { 'x-forwarded-for': '10.0.0.1' }],
    ])('respond %i to a session request with the headers %o', async (status, headers) => {
      expect((await session(await stage.startEndpoints(), headers)).status).toBe(status)
    })
  })

  describe('the container endpoint', () => {
    it('returns credentials for its authorization token', async () => {
      const scene = await stage.startEndpoints()
      expect(await (await container(scene)).json()).toEqual({
        RoleArn: 'arn:aws:iam::123456789012:role/test',
        AccessKeyId: scene.issued[0]!.accessKeyId,
        SecretAccessKey: scene.issued[0]!.secretAccessKey,
        Token: scene.issued[0]!.sessionToken,
        Expiration: '2031-05-06T08:08:09Z',
      })
      expect((await container(scene, 'made-up')).status).toBe(401)
      expect((await fetch(`${scene.url}/v2/credentials/other`)).status).toBe(404)
      expect(scene.requests).toEqual({ imds: 0, container: 2, sts: 0 })
    })

    it('has the path and the authorization token of the options, or no token', async () => {
      const open = await stage.startEndpoints({ containerPath: '/role', containerToken: false })
      expect(open.env.container).toEqual({
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${open.url}/role`,
        AWS_REGION: 'us-east-1',
      })
      expect((await container(open)).status).toBe(200)
      const closed = await stage.startEndpoints({ containerToken: 'open sesame' })
      expect((await container(closed, 'open sesame')).status).toBe(200)
    })
  })

  describe('STS', () => {
    const ROLE = { RoleArn: 'arn:aws:iam::111122223333:role/path/app', RoleSessionName: 'me@home' }

    it('returns credentials when a signed request assumes a role', async () => {
      const scene = await stage.startEndpoints()
      const { status, body } = await sts(scene, { Action: 'AssumeRole', ...ROLE }, 'AKIAUSER')
      expect(status).toBe(200)
      expect(body).toContain('<Arn>arn:aws:sts::111122223333:assumed-role/app/me@home</Arn>')
      expect(body).toContain(`<SecretAccessKey>${scene.issued[0]!.secretAccessKey}</SecretAccessKey>`)
      expect(body).toContain('<Expiration>2031-05-06T08:08:09Z</Expiration>')
    })

    it('returns credentials when a web identity assumes a role', async () => {
      const scene = await stage.startEndpoints()
      const WebIdentityToken = readFileSync(
        scene.env.webIdentity['AWS_WEB_IDENTITY_TOKEN_FILE'] ?? '',
        'utf8',
      )
      const { body } = await sts(scene, { Action: 'AssumeRoleWithWebIdentity', ...ROLE, WebIdentityToken })
      expect(body).toContain(`<SessionToken>${scene.issued[0]!.sessionToken}</SessionToken>`)
    })

    it('returns the caller identity', async () => {
      const scene = await stage.startEndpoints()
      const { body } = await sts(scene, { Action: 'GetCallerIdentity' }, 'AKIAUSER')
      expect(body).toContain('<Arn>arn:aws:iam::123456789012:user/test</Arn>')
    })

    it.each([
      ['MissingAuthenticationToken', { Action: 'AssumeRole', ...ROLE }, 403],
      ['MissingAuthenticationToken', { Action: 'GetCallerIdentity' }, 403],
      ['InvalidIdentityToken', { Action: 'AssumeRoleWithWebIdentity', ...ROLE, WebIdentityToken: 'x' }, 400],
      ['InvalidAction', { Action: 'constructor' }, 400],
      ['InvalidAction', {}, 400],
    ])('responds %s to %o', async (code, parameters, status) => {
      const answer = await sts(await stage.startEndpoints(), parameters as Record<string, string>)
      expect(answer).toMatchObject({
        status,
        body: expect.stringContaining(`<Code>${code}</Code>`) as string,
      })
    })

    it.each([{ RoleArn: 'app' }, { RoleSessionName: '<a>' }])(
      'rejects the role or session name %o',
      async (wrong) => {
        const answer = await sts(
          await stage.startEndpoints(),
          { Action: 'AssumeRole', ...ROLE, ...wrong },
          'AKIAUSER',
        )
        expect(answer).toMatchObject({
          status: 400,
          body: expect.stringContaining('ValidationError') as string,
        })
      },
    )

    it('rejects a request body that is too long', async () => {
      const answer = await sts(await stage.startEndpoints(), {
        Action: 'GetCallerIdentity',
        Name: 'x'.repeat(70_000),
      })
      expect(answer.status).toBe(413)
    })
  })

  describe('identities', () => {
    it('are new in each response, and have the last lifetime that was set', async () => {
      const scene = await stage.startEndpoints({ lifetimeMs: 60_500 })
      await container(scene)
      scene.setLifetime(120_000)
      await container(scene)
      const [first, second] = scene.issued
      expect(first!.accessKeyId).not.toBe(second!.accessKeyId)
      expect(first!.expiration).toEqual(new Date('2031-05-06T07:09:09Z'))
      expect(second!.expiration).toEqual(new Date('2031-05-06T07:10:09Z'))
    })

    it('stay the same until they expire when rotation is off', async () => {
      const scene = await stage.startEndpoints({ rotate: false, lifetimeMs: 60_000 })
      const first = await (await container(scene)).text()
      stage.passSeconds(59)
      expect(await (await container(scene)).text()).toBe(first)
      stage.passSeconds(1)
      expect(await (await container(scene)).text()).not.toBe(first)
      expect(scene.issued).toHaveLength(2)
    })
  })

  describe('the credential endpoints', () => {
    it('end hanging requests and remove their files when they are closed', async () => {
      const scene = await stage.startEndpoints()
      const file = scene.env.webIdentity['AWS_WEB_IDENTITY_TOKEN_FILE'] ?? ''
      expect(existsSync(file)).toBe(true)
      scene.setFault('container', 'hang')
      const hanging = container(scene).catch((error: unknown) => error)
      await vi.waitUntil(() => scene.requests.container > 0)
      await scene.close()
      expect(await hanging).toBeInstanceOf(TypeError)
      expect(existsSync(file)).toBe(false)
      await scene.close()
    })

    it('reject when a port is in use', async () => {
      const { url } = await stage.startEndpoints()
      const port = Number(new URL(url).port)
      await expect(startCredentialEndpoints({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    })
  })
})
