import { expect, it } from 'vitest'
import { DsqlEndpoint } from './dsql-endpoint'

const dsql = new DsqlEndpoint()

it('runs: test/examples/dsql.ts', async () => {
  const row = "{ current_user: 'admin' }"
  const output = `${`[ ${row} ]\n`.repeat(3)}${row}\n`
  expect(await dsql.run('dsql.ts')).toEqual({ code: 0, output })
})
