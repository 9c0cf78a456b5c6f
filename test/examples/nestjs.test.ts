import { expect } from 'vitest'
import { testExample } from './run-example'

testExample('nestjs', ['postgres'], ({ output }) => expect(output).toBe("{ database: 'up' }\n"))
