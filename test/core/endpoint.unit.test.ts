import { readFileSync } from 'node:fs'
import { parseEndpoint } from '@rds-iam/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

interface HostVector {
  host: string
  region: string | null
  kind: string
}

const vectors = JSON.parse(
  readFileSync(new URL('../vectors/hosts.json', import.meta.url), 'utf8'),
) as HostVector[]

describe('parseEndpoint', () => {
  it.each(vectors)('reads $host as $kind in $region', ({ host, region, kind }) => {
    const parsed = parseEndpoint(host)
    expect(parsed.kind).toBe(kind)
    expect(parsed.region ?? null).toBe(region)
    expect(parsed.host).toBe(host.toLowerCase().replace(/\.$/, ''))
  })

  it('accepts any string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (host) => {
        expect(parseEndpoint(host).kind).toBe('other')
      }),
    )
  })

  it('accepts a region that does not exist yet', () => {
    const region = fc
      .tuple(
        fc.stringMatching(/^[a-z]{2}$/),
        fc.stringMatching(/^[a-z]{4,9}$/),
        fc.integer({ min: 1, max: 99 }),
      )
      .map((parts) => parts.join('-'))
    fc.assert(
      fc.property(region, (region) => {
        expect(parseEndpoint(`db.cluster-abc.${region}.rds.amazonaws.com`)).toEqual({
          host: `db.cluster-abc.${region}.rds.amazonaws.com`,
          region,
          kind: 'cluster',
        })
      }),
    )
  })

  it.each([
    'db.abc.us-east-1.rds.amazonaws.com.evil.example',
    'rds.us-east-1.amazonaws.com',
    'us-east-1.rds.amazonaws.com',
    'db.abc.us-east-1.rds.example.com',
    'x.notglobal-abc.global.rds.amazonaws.com',
    `${'a.'.repeat(200)}abc.us-east-1.rds.amazonaws.com`,
    '',
  ])('takes %j for no RDS endpoint', (host) => {
    expect(parseEndpoint(host).kind).toBe('other')
  })
})
