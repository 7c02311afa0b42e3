"""$batch, by the SDK: its parts have absolute addresses. Of an answer's parts it reads the statuses and
the headers, but no body that is a JSON object, as Graph's are: it takes a body for base64.
"""

import unittest

from msgraph_beta.generated.models.o_data_errors.o_data_error import ODataError
from msgraph_core.requests.batch_request_builder import BatchRequestBuilder
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem

from server import Case, Credential, client, device

NOWHERE = "00000000-0000-4000-8000-000000000001"


class Batch(Case):
    async def post(self, parts, graph=None, depends_on=None):
        adapter = (graph or self.graph).request_adapter
        items = {}
        for key, request in parts.items():
            request.path_parameters["baseurl"] = adapter.base_url
            items[key] = BatchRequestItem(request, key, (depends_on or {}).get(key))
        # The SDK's own key for every status that is an error.
        builder = BatchRequestBuilder(adapter, {"XXX": ODataError})
        return await builder.post(BatchRequestContent(items))

    async def test_create_twenty(self):
        sent = {str(number): device() for number in range(20)}
        answer = await self.post(
            {key: self.imports.to_post_request_information(entity) for key, entity in sent.items()}
        )
        self.assertEqual(answer.get_response_status_codes(), {key: 201 for key in sent})
        for key, entity in sent.items():
            where = answer.get_response_by_id(key).headers["Location"]
            created = await self.imports.with_url(where).get()
            self.assertEqual(created.additional_data["serialNumber"], entity.serial_number)

    async def test_each_part_answers_for_itself(self):
        answer = await self.post(
            {
                "create": self.imports.to_post_request_information(device()),
                "list": self.imports.to_get_request_information(),
                "absent": self.one_import(NOWHERE).to_get_request_information(),
            }
        )
        codes = answer.get_response_status_codes()
        self.assertEqual(codes, {"create": 201, "list": 200, "absent": 404})

    async def test_a_part_waits_for_another(self):
        create = self.imports.to_post_request_information
        answer = await self.post(
            {"first": create(device()), "second": create(device())}, depends_on={"second": ["first"]}
        )
        self.assertEqual(answer.get_response_status_codes(), {"first": 201, "second": 201})
        absent = self.one_import(NOWHERE).to_get_request_information()
        answer = await self.post(
            {"first": absent, "second": create(device())}, depends_on={"second": ["first"]}
        )
        self.assertEqual(answer.get_response_status_codes(), {"first": 404, "second": 424})

    async def test_each_part_is_authorised_for_itself(self):
        reader = client(Credential("--user", "reader"))
        answer = await self.post(
            {
                "create": self.imports.to_post_request_information(device()),
                "list": self.imports.to_get_request_information(),
            },
            reader,
        )
        self.assertEqual(answer.get_response_status_codes(), {"create": 403, "list": 200})

    async def test_an_empty_batch_is_refused(self):
        await self.refused(self.post({}), 400, "BadRequest", "requests")


if __name__ == "__main__":
    unittest.main()
