# rehome's worker and board in one image: the command decides. Plans are mounted below /rehome,
# where they can import from 'rehome'.
FROM node:22-slim AS build
WORKDIR /rehome
COPY package.json package-lock.json ./
# The scripts wait until the sources are there: `prepare` compiles them.
RUN npm ci --ignore-scripts
COPY . .
RUN npm run prepare \
  && npm prune --omit=dev --ignore-scripts \
  && chmod 755 bin/rehome.js

FROM node:22-slim
ENV NODE_ENV=production
WORKDIR /rehome
COPY --from=build /rehome/package.json ./
COPY --from=build /rehome/node_modules ./node_modules
COPY --from=build /rehome/bin ./bin
COPY --from=build /rehome/dist ./dist
COPY --from=build /rehome/migrations ./migrations
COPY --from=build /rehome/assets ./assets
# The board shows what docs/errors.md advises, and findings of `rehome lint` the texts of their pages.
COPY --from=build /rehome/docs/errors.md ./docs/errors.md
COPY --from=build /rehome/docs/schema-changes ./docs/schema-changes
RUN ln -s /rehome/bin/rehome.js /usr/local/bin/rehome
USER node
EXPOSE 3400
CMD ["rehome", "worker"]
