import pg from 'pg'
import oldestPg from 'pg-8.11'
import { testAdapter } from './contract'
import { pgPool } from './drivers'

testAdapter('pg', pgPool(pg))
testAdapter('pg 8.11', pgPool(oldestPg))
