import { readFileSync } from 'node:fs'

/** A token that botocore signed, and what it signed. */
export interface TokenVector {
  host: string
  port: number
  user: string
  region: string
  accessKeyId: string
  secretAccessKey: string
  sessionToken: string | null
  time: string
  token: string
}

export const tokenVectors = read('tokens.json')
export const dsqlTokenVectors = read('dsql-tokens.json')

function read(file: string): TokenVector[] {
  return JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as TokenVector[]
}

/** The credentials that signed a token. */
export function identityOf({ accessKeyId, secretAccessKey, sessionToken }: TokenVector): {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
} {
  return { accessKeyId, secretAccessKey, ...(sessionToken === null ? {} : { sessionToken }) }
}
