// Loads each entry point that is named on the command line in both module formats: one code, one state.
const assert = require('node:assert/strict')

async function main(entries) {
  const required = Object.fromEntries(entries.map((entry) => [entry, require(entry)]))
  const sdk = Object.keys(require.cache).filter((file) => file.includes('@aws-sdk'))
  assert.deepEqual(sdk, [], 'the AWS SDK is loaded at the first token')

  const imported = {}
  for (const entry of entries) {
    imported[entry] = await import(entry)
    assert.deepEqual(Object.keys(imported[entry]).sort(), Object.keys(required[entry]).sort(), entry)
    for (const [name, value] of Object.entries(imported[entry])) {
      assert.equal(value, required[entry][name], `${entry}: ${name}`)
    }
  }

  const options = { host: 'localhost', user: 'app', password: 'secret' }
  for (const [one, other] of [
    [required, imported],
    [imported, required],
  ]) {
    const { RdsIamError, isRdsIamError } = other['@rds-iam/core']
    // Yarn's Plug'n'Play may load core once for each package that depends on it: the guard holds there too.
    const refused = (error) =>
      (error instanceof RdsIamError || process.versions.pnp) &&
      isRdsIamError(error) &&
      error.code === 'INVALID_OPTION'
    for (const entry of entries) {
      for (const make of Object.values(one[entry]).filter(({ name }) => /Config$|Connection$/.test(name))) {
        assert.throws(() => make(options), refused, `${entry}: ${make.name}`)
      }
    }
  }
}

void main(process.argv.slice(2))
