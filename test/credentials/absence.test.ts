import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { createTokenProvider } from '@rds-iam/core'
import { describe, expect, it } from 'vitest'
import { RDS, testStage } from './scene'
import { everythingShown } from './secrets'

describe('without credentials', () => {
  const stage = testStage()

  async function unavailable(): Promise<string> {
    const error = await stage.failure(stage.provider().getToken())
    expect(error.code).toBe('CREDENTIALS_UNAVAILABLE')
    return error.message + everythingShown(error.cause)
  }

  it('rejects with a list of the sources when none is configured', async () => {
    stage.set({ AWS_EC2_METADATA_DISABLED: 'true' })
    const error = await stage.failure(stage.provider().getToken())
    expect(error.code).toBe('CREDENTIALS_UNAVAILABLE')
    expect(error.message).toContain('iam.credentials or iam.profile')
    expect(everythingShown(error.cause)).toContain('[default]')
  })

  it("does not retry when EC2's metadata endpoint does not respond and was not configured", async () => {
    const scene = await stage.startEndpoints()
    scene.setFault('imds', 'hang')
    // Set by the config file, which unlike the variable does not count as configured.
    stage.set({
      AWS_CONFIG_FILE: stage.write('config', `[default]\nec2_metadata_service_endpoint = ${scene.url}\n`),
    })
    expect(await unavailable()).toContain('TimeoutError from instance metadata service')
    expect(scene.requests.imds).toBe(2)
  })

  it("retries when EC2's metadata endpoint resets the connection", async () => {
    let connections = 0
    const server = createServer((socket) => {
      connections++
      socket.resetAndDestroy()
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const config = `[default]\nec2_metadata_service_endpoint = http://127.0.0.1:${port}\n`
    stage.set({ AWS_CONFIG_FILE: stage.write('config', config) })
    expect(await unavailable()).toContain('ECONNRESET')
    server.close()
    expect(connections).toBe(6)
  })

  it('retries when the configured metadata endpoint refuses connections', async () => {
    const scene = await stage.startEndpoints()
    await scene.close()
    stage.set(scene.env.imds)
    expect(await unavailable()).toContain('ECONNREFUSED')
  })

  it.each([
    ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
    ['AWS_SECRET_ACCESS_KEY', 'AWS_ACCESS_KEY_ID'],
    ['AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_ARN'],
    ['AWS_ROLE_ARN', 'AWS_WEB_IDENTITY_TOKEN_FILE'],
  ])('names the missing variable when %s is set without %s', async (variable, missing) => {
    stage.set({ [variable]: 'set', AWS_EC2_METADATA_DISABLED: 'true' })
    expect(await unavailable()).toContain(`no AWS credentials: ${variable} is set without ${missing}\n`)
  })

  it('rejects with TOKEN_TIMEOUT, and the first failure as its cause, when the second attempt hangs', async () => {
    let attempts = 0
    const credentials = async (): Promise<never> => {
      if (++attempts === 1) throw new Error('the first attempt')
      return new Promise(() => {})
    }
    const provider = createTokenProvider({ ...RDS, credentials, timeoutMs: 300 })
    const error = await stage.failure(provider.getToken())
    expect(error.code).toBe('TOKEN_TIMEOUT')
    expect(error.cause).toMatchObject({ message: 'the first attempt' })
  })

  it('sends no request when the container endpoint is not on this machine', async () => {
    stage.set({ AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://credentials.example/role' })
    expect(await unavailable()).toContain('URL not accepted')
  })

  it('names the variable when the container endpoint refuses connections', async () => {
    const scene = await stage.startEndpoints()
    await scene.close()
    stage.set(scene.env.container)
    expect(await unavailable()).toMatch(
      /^no AWS credentials: the container endpoint \(AWS_CONTAINER_CREDENTIALS_FULL_URI\) failed: .*ECONNREFUSED/,
    )
  })

  it.each([
    ['FULL', 'here'],
    ['RELATIVE', ':path'],
  ])('names AWS_CONTAINER_CREDENTIALS_%s_URI when it is "%s"', async (kind, value) => {
    stage.set({ [`AWS_CONTAINER_CREDENTIALS_${kind}_URI`]: value })
    expect(await unavailable()).toContain(`: AWS_CONTAINER_CREDENTIALS_${kind}_URI is not a URL\n`)
  })

  it('rejects with the HTTP status when the container endpoint refuses the authorization token', async () => {
    const scene = await stage.startEndpoints()
    stage.set({ ...scene.env.container, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'tokenOfSomebodyElse' })
    stage.guard('tokenOfSomebodyElse')
    expect(await unavailable()).toContain('status: 401')
  })

  it('rejects when the web identity token file does not exist', async () => {
    const scene = await stage.startEndpoints()
    stage.set({ ...scene.env.webIdentity, AWS_WEB_IDENTITY_TOKEN_FILE: '/nonexistent/token' })
    expect(await unavailable()).toContain('/nonexistent/token')
  })

  it('rejects when STS refuses the web identity token', async () => {
    const scene = await stage.startEndpoints()
    const file = stage.write('token', 'the.identity.ofSomebodyElse')
    stage.guard('ofSomebodyElse')
    stage.set({ ...scene.env.webIdentity, AWS_WEB_IDENTITY_TOKEN_FILE: file })
    expect(await unavailable()).toContain('InvalidIdentityToken')
  })
})
