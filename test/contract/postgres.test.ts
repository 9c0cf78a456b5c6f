import postgres from 'postgres'
import oldestPostgres from 'postgres-3.4.4'
import { testAdapter } from './contract'
import { postgresJs } from './drivers'

testAdapter('postgres.js', postgresJs(postgres))
testAdapter('postgres.js 3.4.4', postgresJs(oldestPostgres as unknown as typeof postgres))
