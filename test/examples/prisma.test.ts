import { testExample } from './run-example'

testExample('prisma', ['postgres', 'mysql'])
