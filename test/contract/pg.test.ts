import { testAdapter } from './contract'
import { pgPool } from './drivers'

testAdapter('pg Pool', pgPool)
