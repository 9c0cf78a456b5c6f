import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTokenProvider, parseEndpoint } from '@rds-iam/core'
import { resolveRegion } from '@rds-iam/core/internal'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const NAME = 'db.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com'
const GLOBAL = 'db.global-abcdefghijkl.global.rds.amazonaws.com'

const kept = { ...process.env }
let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'region-'))
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
  process.env['AWS_CONFIG_FILE'] = join(directory, 'config')
  process.env['AWS_SHARED_CREDENTIALS_FILE'] = join(directory, 'credentials')
})
afterEach(() => {
  process.env = { ...kept }
  rmSync(directory, { recursive: true })
})

function writeFiles(config: string, credentials = ''): void {
  writeFileSync(join(directory, 'config'), config)
  writeFileSync(join(directory, 'credentials'), credentials)
}

const region = (host: string, options: { region?: string; profile?: string } = {}) =>
  resolveRegion(parseEndpoint(host), options)

describe('the region', () => {
  it("is the option, then the one in the endpoint's name, then AWS_REGION, then AWS_DEFAULT_REGION, then the profile's", async () => {
    writeFiles('[default]\nregion = profile-1\n')
    expect(await region('localhost')).toBe('profile-1')
    process.env['AWS_DEFAULT_REGION'] = 'default-1'
    expect(await region('localhost')).toBe('default-1')
    process.env['AWS_REGION'] = 'first-1'
    expect(await region('localhost')).toBe('first-1')
    expect(await region(NAME)).toBe('eu-west-1')
    expect(await region(NAME, { region: 'option-1' })).toBe('option-1')
  })

  it('is that of the option profile, then of AWS_PROFILE', async () => {
    writeFiles('[profile a]\nregion = a-1\n[profile b]\nregion = b-1\n')
    process.env['AWS_PROFILE'] = 'a'
    expect(await region('localhost')).toBe('a-1')
    expect(await region('localhost', { profile: 'b' })).toBe('b-1')
  })

  it('is read again after the files have changed', async () => {
    writeFiles('[default]\nregion = old-1\n')
    await region('localhost')
    writeFiles('[default]\nregion = new-1\n')
    expect(await region('localhost')).toBe('new-1')
  })

  it('is read from the credentials file first', async () => {
    writeFiles('[default]\nregion = config-1\n', '[default]\nregion = credentials-1\n')
    expect(await region('localhost')).toBe('credentials-1')
  })

  it.each([
    [{}, {}, 'default'],
    [{ AWS_PROFILE: '' }, {}, 'default'],
    [{ AWS_PROFILE: 'a' }, {}, 'a'],
    [{ AWS_PROFILE: 'a', AWS_REGION: '', AWS_DEFAULT_REGION: '' }, { profile: 'b' }, 'b'],
  ])('is unknown with the environment %j and the options %j', async (env, options, profile) => {
    writeFiles('[profile c]\nregion = c-1\n')
    Object.assign(process.env, env)
    await expect(region('localhost', options)).rejects.toMatchObject({
      code: 'REGION_UNKNOWN',
      message: expect.stringContaining(
        'iam.region: no region in the name localhost, in AWS_REGION, in AWS_DEFAULT_REGION or in the profile ' +
          `${profile}: give iam.region`,
      ),
    })
  })

  it('of a global endpoint must be given', async () => {
    process.env['AWS_REGION'] = 'first-1'
    await expect(region(GLOBAL)).rejects.toMatchObject({
      code: 'REGION_UNKNOWN',
      message: expect.stringContaining(
        `iam.region: the global endpoint ${GLOBAL} has no region in its name: give the primary cluster's region, or set iam.followCname`,
      ),
    })
    expect(await region(GLOBAL, { region: 'option-1' })).toBe('option-1')
  })

  it('is found when a token is signed', async () => {
    process.env['AWS_REGION'] = 'first-1'
    const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }
    const { value } = await createTokenProvider({
      host: '::1',
      port: 5432,
      user: 'app',
      credentials,
    }).getToken()
    expect(value).toMatch(/^\[::1\]:5432\/\?/)
    expect(decodeURIComponent(value)).toContain('/first-1/rds-db/')
  })
})
