/** Endpoint names that tokens may be signed for unless told otherwise. */
export const DEFAULT_ENDPOINTS: readonly string[] = ['localhost', '127.0.0.1']

/** Database users that exist unless told otherwise. */
export const DEFAULT_USERS: readonly string[] = ['jane_doe']

/** Region of the endpoint unless told otherwise. */
export const DEFAULT_REGION = 'us-east-1'
