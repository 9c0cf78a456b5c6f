// Resolves the names in the JSON file TEST_HOSTS, which a test may write again at any time.
const dns = require('node:dns')
const { readFileSync } = require('node:fs')

const { lookup } = dns
dns.lookup = (host, options, done) => {
  const address = JSON.parse(readFileSync(process.env.TEST_HOSTS, 'utf8'))[host]
  return lookup(address ?? host, options, done)
}
