import { beforeAll } from 'vitest'
import { mariadbClient, psqlClient } from './command-line'
import { testClient } from './contract'
import { requirePrograms } from './programs'
import { tokenOf } from './token'

beforeAll(() => requirePrograms({ psql: 'postgresql-client', mariadb: 'mariadb-client' }), 600_000)

testClient('psql', 'postgres', psqlClient(tokenOf))
testClient('the mariadb client', 'mysql', mariadbClient(tokenOf))
