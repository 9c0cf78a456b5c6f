import { expect, it } from 'vitest'
import { DsqlEndpoint } from './dsql-endpoint'

const dsql = new DsqlEndpoint()

it('retries transactions: test/examples/dsql-conflicts.ts', async () => {
  await dsql.query('create table accounts (id int primary key, balance int)')
  await dsql.query('insert into accounts values (1, 100), (2, 0)')
  await dsql.failTransactions(2)
  const output = '[ { balance: 70 }, { balance: 30 } ]\n'
  expect(await dsql.run('dsql-conflicts.ts')).toEqual({ code: 0, output })
  expect(dsql.conflicts).toBe(0)
})
