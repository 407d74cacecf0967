// Validates documents, as JSON on stdin, by the models of Gateway API and Istio in a node_modules.
const { join } = require("node:path");
const [, , modules] = process.argv;

for (const document of JSON.parse(require("node:fs").readFileSync(0, "utf8"))) {
  const [group, version] = document.apiVersion.split("/");
  const models = group.endsWith(".istio.io") ? "istio" : "gateway-api";
  const path = join(modules, "@kubernetes-models", models, group, version, `${document.kind}.js`);
  const model = require(path)[document.kind];
  try {
    new model(document).validate();
    console.log(`${document.kind} ${document.metadata.name} is valid`);
  } catch (error) {
    console.error(`${document.kind} ${document.metadata.name}: ${error.message}`);
    process.exitCode = 1;
  }
}
