import { expect } from 'vitest'
import { testExample } from './run-example'

// The contract of the mariadb driver is in test/contract/mariadb.test.ts.
testExample('mariadb', ['mysql'], ({ output }) => expect(output.match(/two: 2/g)).toHaveLength(2))
