import { readFileSync } from 'node:fs'
import { parseEndpoint } from '@rds-iam/core'
import { otherService } from '@rds-iam/core/internal'
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

  it.each(['cluster-notes.us-east-1.rds.amazonaws.com', `${'a.'.repeat(112)}b.us-east-1.rds.amazonaws.com`])(
    'reads %s as an instance',
    (host) => {
      expect(parseEndpoint(host).kind).toBe('instance')
    },
  )

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

  it.each([
    ['abc0def1baz2quux3quuux4567.dsql.us-east-1.on.aws', 'us-east-1'],
    ['ABC0def1.dsql.eu-west-2.on.aws.', 'eu-west-2'],
    // Through AWS PrivateLink.
    ['abc0def1.dsql-fnh4.us-east-1.on.aws', 'us-east-1'],
    ['abc0def1.dsql.cn-north-1.on.amazonwebservices.com.cn', 'cn-north-1'],
    ['abc0def1.dsql.eusc-de-east-1.on.amazonwebservices.eu', 'eusc-de-east-1'],
    ['abc0def1.dsql.us-gov-west-1.on.aws', 'us-gov-west-1'],
    ['abc0def1.dsql.us-iso-east-1.on.aws.ic.gov', 'us-iso-east-1'],
  ])('reads %s as a cluster of Aurora DSQL', (host, region) => {
    expect(parseEndpoint(host)).toEqual({
      host: host.toLowerCase().replace(/\.$/, ''),
      region,
      kind: 'dsql',
    })
  })

  it.each([
    'dsql.us-east-1.on.aws',
    'dsql.us-east-1.api.aws',
    'a.b.dsql.us-east-1.on.aws',
    'abc.dsql.us-east-1.on.aws.example',
    'abc.dsql-.us-east-1.on.aws',
    'abc.xdsql.us-east-1.on.aws',
    'abc.dsql.example.on.aws',
    '*.dsql.us-east-1.on.aws',
    'vpce-04037adb76c111221-d849uc2p.dsql-fnh4.us-east-1.vpce.amazonaws.com',
  ])('does not read %s as a cluster of Aurora DSQL', (host) => {
    expect(parseEndpoint(host).kind).toBe('other')
  })
})

describe('otherService', () => {
  it.each([
    ['shop.abc.us-east-1.redshift.amazonaws.com', 'Amazon Redshift'],
    ['shop.123456789012.us-east-1.redshift-serverless.amazonaws.com', 'Amazon Redshift'],
    ['shop.cluster-abc.us-east-1.docdb.amazonaws.com', 'Amazon DocumentDB'],
    ['shop.us-east-1.docdb-elastic.amazonaws.com', 'Amazon DocumentDB'],
    ['shop.cluster-ro-abc.us-east-1.neptune.amazonaws.com', 'Amazon Neptune'],
    ['master.shop.abc.use1.cache.amazonaws.com', 'Amazon ElastiCache'],
    ['clustercfg.shop.abc.memorydb.us-east-1.amazonaws.com', 'Amazon MemoryDB'],
    ['search-shop-abc.us-east-1.es.amazonaws.com', 'Amazon OpenSearch Service'],
    ['search-shop-abc.aos.us-east-1.on.aws', 'Amazon OpenSearch Service'],
    ['abc.us-east-1.aoss.amazonaws.com', 'Amazon OpenSearch Service'],
    ['SHOP.abc.cn-north-1.redshift.amazonaws.com.cn.', 'Amazon Redshift'],
    ['db.cache.us-east-1.rds.amazonaws.com', undefined],
    ['abc.dsql.us-east-1.on.aws', undefined],
    ['shop-123.elb.us-east-1.amazonaws.com', undefined],
    ['es.shop.example', undefined],
    ['constructor.us-east-1.amazonaws.com', undefined],
  ])('reads the AWS service from the host %s: %s', (host, service) => {
    expect(otherService(host)).toBe(service)
  })
})
