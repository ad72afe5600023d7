// What a user of OpenAI's and LangChain's clients for JavaScript writes: `node javascript.mjs FOLDER URL`, where FOLDER
// has their packages. Flowise's node for OpenAI-compatible models makes its requests by the second one, with these fields.
import { createRequire } from "node:module";

const require = createRequire(`${process.argv[2]}/`);
const OpenAI = require("openai").default ?? require("openai");
const { ChatOpenAI } = require("@langchain/openai");
const baseURL = `${process.argv[3]}/v1`;
const messages = [{ role: "user", content: "A tale!" }];
const parameters = { type: "object", properties: { city: { type: "string" } } };
const tools = [{ type: "function", function: { name: "weather", parameters } }];

const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
const whole = await client.chat.completions.create({ model: "atomic/auto", messages });
const stream = client.chat.completions.stream({ model: "atomic/auto", messages, tools });
let pieces = 0;
stream.on("tool_calls.function.arguments.delta", () => pieces++);
const called = (await stream.finalChatCompletion()).choices[0].message.tool_calls[0].function;
const response = await client.responses.create({ model: "atomic/auto", input: "A tale!" });

const model = new ChatOpenAI({
  model: "atomic/auto", apiKey: "none", openAIApiKey: "none", temperature: 0.9, streaming: true, configuration: { baseURL },
});
const heard = [];
for await (const one of await model.stream("A tale!")) if (one.content) heard.push(one.content);
const bound = await model.bindTools(tools).invoke("How warm is it?");

console.log(JSON.stringify({
  whole: whole.choices[0].message.content,
  called: [called.name, called.arguments],
  pieces,
  response: response.output_text,
  langchain: { stream: heard, called: bound.tool_calls.map((one) => [one.name, one.args]) },
}));
