import { testAdapter } from './contract'
import { mysql2Pool } from './drivers'

testAdapter('mysql2 pool', mysql2Pool)
