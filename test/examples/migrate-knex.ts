import knex from 'knex'
import { login } from './migrate'

const db = knex({ client: 'pg', connection: login, pool: { min: 0, max: 20 } })
console.log(await db.select(db.raw('current_user')))
await db.destroy()
