/** A parsed login token; nothing in it has been checked. */
export interface ParsedToken {
  /** Host as sent, brackets of an IPv6 address included. */
  host: string
  /** Port in the token, 0 to 99999. Absent in DSQL tokens. */
  port?: number
  /** Whether a slash stands before the question mark; Go's signers have left it out. */
  slash: boolean
  /** Decoded parameters in the order sent, duplicates included. */
  parameters: [name: string, value: string][]
}

const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?(\/?)$/

/** Parses a token. Returns undefined when it does not have the form `HOST:PORT/?NAME=VALUE&…` or `HOST/?…`. */
export function parseToken(token: string): ParsedToken | undefined {
  const question = token.indexOf('?')
  if (question < 0) return undefined
  const authority = AUTHORITY.exec(token.slice(0, question))
  if (authority === null) return undefined
  const parameters: [string, string][] = []
  for (const part of token.slice(question + 1).split('&')) {
    const parameter = parseParameter(part)
    if (parameter === undefined) return undefined
    parameters.push(parameter)
  }
  const [, host = '', port, slash = ''] = authority
  return { host, ...(port === undefined ? {} : { port: Number(port) }), slash: slash !== '', parameters }
}

// Only what RFC 3986 allows in a query; a plus sign stands for itself.
const PARAMETER = /^([A-Za-z0-9-]+)=((?:[A-Za-z0-9\-._~!$'()*+,;:@/?=]|%[0-9A-Fa-f]{2})*)$/

function parseParameter(part: string): [string, string] | undefined {
  const match = PARAMETER.exec(part)
  if (match === null) return undefined
  try {
    return [match[1] ?? '', decodeURIComponent(match[2] ?? '')]
  } catch {
    return undefined // escapes that are no UTF-8
  }
}
