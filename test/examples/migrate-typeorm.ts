import { DataSource } from 'typeorm'
import { login } from './migrate'

const db = new DataSource({ type: 'postgres', extra: { ...login, max: 20 } })
await db.initialize()
console.log(await db.query('select current_user'))
await db.destroy()
