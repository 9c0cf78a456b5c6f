import { createTokenProvider } from '@rds-iam/core'

const provider = createTokenProvider({
  host: 'mydb.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com',
  port: 5432,
  user: 'jane_doe',
})
const token = await provider.getToken()
console.log(token, 'is a password until', token.expiresAt)
