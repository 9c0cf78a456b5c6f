import mysql from 'mysql2'
import promiseMysql from 'mysql2/promise'
import oldestMysql from 'mysql2-3.15'
import { testAdapter } from './contract'
import { mysql2CallbackPool, mysql2Pool } from './drivers'

testAdapter('mysql2', mysql2CallbackPool(mysql))
testAdapter('mysql2/promise', mysql2Pool(promiseMysql))
testAdapter('mysql2 3.15', mysql2CallbackPool(oldestMysql as unknown as typeof mysql))
