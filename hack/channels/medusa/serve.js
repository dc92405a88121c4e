// Starts Medusa on PORT of the loopback interface, and writes a secret API key to KEY_FILE when it is ready.
const fs = require("node:fs")
const { container } = require("@medusajs/framework")
const start = require("@medusajs/medusa/commands/start").default
const { createApiKeysWorkflow } = require("@medusajs/medusa/core-flows")

async function serve() {
  await start({ directory: __dirname, host: "127.0.0.1", port: Number(process.env.PORT) })
  const input = { api_keys: [{ type: "secret", title: "tallyman", created_by: "test" }] }
  const { result } = await createApiKeysWorkflow(container).run({ input })
  fs.writeFileSync(`${process.env.KEY_FILE}.new`, result[0].token)
  fs.renameSync(`${process.env.KEY_FILE}.new`, process.env.KEY_FILE)
}

serve().catch((error) => {
  console.error(error)
  process.exit(1)
})
