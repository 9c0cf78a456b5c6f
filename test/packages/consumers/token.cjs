// Prints a token that is signed with the credentials of the environment.
const { createTokenProvider } = require('@rds-iam/core')

const provider = createTokenProvider({ host: 'localhost', port: 5432, user: 'app', region: 'eu-west-1' })
void provider.getToken().then(({ value }) => console.log(value))
