from tests.flows.test_models import *
def test_x(trunkline):
    a=trunkline.call("POST","/v1/chat/completions",{"model":"gpt-4o-minni","messages":[]}); print(a.status,a.body); assert 0
