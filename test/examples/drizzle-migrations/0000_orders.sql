CREATE TABLE "drizzle_orders" ("id" integer PRIMARY KEY, "item" text NOT NULL);
