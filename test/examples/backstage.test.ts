import { expect } from 'vitest'
import { testExample } from './run-example'

const plugin = `import('./examples/backstage.ts').then(async ({ openDatabase }) => {
  const db = await openDatabase('catalog')
  await db.schema.createTable('entities', (table) => table.increments('id'))
  console.log(await db('entities').columnInfo().then(Object.keys), await db.raw('show search_path').then(({ rows }) => rows))
  await db.raw('drop schema catalog cascade')
  await db.destroy()
})`
testExample(
  'backstage',
  ['postgres'],
  ({ output }) => expect(output).toContain(`[ 'id' ] [ { search_path: 'catalog' } ]`),
  ['--import=tsx', '--eval', plugin],
)
