import mariadb from 'mariadb'
import oldestMariadb from 'mariadb-3.4'
import { testAdapter } from './contract'
import { mariadbConnections, mariadbPool } from './drivers'

testAdapter('mariadb pool', mariadbPool(mariadb))
testAdapter('mariadb', mariadbConnections(mariadb))
testAdapter('mariadb 3.4.5', mariadbConnections(oldestMariadb as unknown as typeof mariadb))
