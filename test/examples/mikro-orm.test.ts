import { testExample } from './run-example'

testExample('mikro-orm', ['postgres', 'mysql'])
