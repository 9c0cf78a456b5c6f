// Changes the clock, the timers and the name service of a command: see `preload` in command.ts.
const dns = require('node:dns')

const { TEST_DNS, TEST_HOSTS, TEST_LOCALHOST, TEST_AHEAD_MS, TEST_LOGIN_LIMIT_MS } = process.env

if (TEST_DNS) {
  const { lookup } = dns
  dns.setServers([TEST_DNS])
  dns.lookup = (host, options, done) =>
    host.endsWith('.example') || host.endsWith('.amazonaws.com')
      ? lookup('127.0.0.1', options, done)
      : lookup(host, options, done)
}

if (TEST_HOSTS) require('../support/hosts.cjs')

if (TEST_LOCALHOST) {
  const addresses = TEST_LOCALHOST.split(' ').map((address) => ({ address, family: 4 }))
  const { lookup, promises } = dns
  const { lookup: lookupPromise } = promises
  const isReplaced = (host, options) => host === 'localhost' && options.all
  dns.lookup = (host, options, done) =>
    isReplaced(host, options) ? process.nextTick(done, null, addresses) : lookup(host, options, done)
  promises.lookup = async (host, options) =>
    isReplaced(host, options) ? addresses : lookupPromise(host, options)
}

if (TEST_AHEAD_MS) {
  const RealDate = Date
  globalThis.Date = class extends RealDate {
    constructor(...given) {
      super(...(given.length > 0 ? given : [Date.now()]))
    }
    static now() {
      return RealDate.now() + Number(TEST_AHEAD_MS)
    }
  }
}

if (TEST_LOGIN_LIMIT_MS) {
  const { setTimeout } = globalThis
  globalThis.setTimeout = (work, ms, ...rest) =>
    setTimeout(work, ms === 10_000 ? Number(TEST_LOGIN_LIMIT_MS) : ms, ...rest)
}
