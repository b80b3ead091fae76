"""What may be told to those whose resource it is."""

import pytest

from storage_site.operations.models import Operation
from storage_site.operations.telling import UNEXPLAINED, explain, explanation_of


def test_a_fault_that_nobody_explained_is_left_to_administrators():
    assert explanation_of(Operation(fault_code="defect", fault_detail="at /srv")) == UNEXPLAINED
    assert explanation_of(Operation()) == ""


def test_an_app_explains_its_own_faults_and_nobody_else_s(monkeypatch):
    monkeypatch.setattr("storage_site.operations.telling._EXPLANATIONS", {"backend-full": "No room."})
    explain({"own-fault": "It is so."})
    explain({"own-fault": "It is so."})
    assert explanation_of(Operation(fault_code="own-fault")) == "It is so."
    with pytest.raises(ValueError, match="'backend-full' is explained already"):
        explain({"backend-full": "mem1 is full."})
