import 'reflect-metadata'
import { Injectable, Module } from '@nestjs/common'
import { ConfigModule, ConfigService } from '@nestjs/config'
import { NestFactory } from '@nestjs/core'
import { InjectDataSource, TypeOrmModule } from '@nestjs/typeorm'
import { isRdsIamError } from '@rds-iam/core'
import { pgConfig } from '@rds-iam/core/pg'
import { DataSource } from 'typeorm'

@Injectable()
class Health {
  constructor(@InjectDataSource() private readonly database: DataSource) {}

  /** Asks the pool for a connection, which logs in by IAM if there is no idle one. */
  async check() {
    await this.database.query('select 1')
    return { database: 'up' }
  }
}

/** Whether Nest retries a failed first connection. Prints the cause, which Nest does not. A refused login is not retried. */
function toRetry(error: Error) {
  const reason = isRdsIamError(error) ? error : error.cause
  if (!isRdsIamError(reason)) return true
  console.error(reason.message)
  return reason.code !== 'LOGIN_REFUSED'
}

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true }),
    TypeOrmModule.forRootAsync({
      inject: [ConfigService],
      useFactory: (config: ConfigService) => ({
        type: 'postgres' as const,
        // The options in `extra` reach pg, and replace TypeORM's own.
        extra: {
          ...pgConfig({ host: config.getOrThrow<string>('DB_HOST'), user: 'jane_doe', database: 'app' }),
          max: 20,
        },
        autoLoadEntities: true,
        retryAttempts: 5,
        retryDelay: 1_000,
        toRetry,
      }),
    }),
  ],
  providers: [Health],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] })
console.log(await app.get(Health).check())
await app.close()
