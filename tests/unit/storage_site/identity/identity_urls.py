"""The paths of the project, and a view that tells who calls it."""

from dataclasses import asdict

from django.urls import path
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from storage_site import urls
from storage_site.identity.authentication import ConsoleAuthentication, TokenAuthentication
from storage_site.identity.views.keystone import answer_for


class Somebody(BasePermission):
    def has_permission(self, request, view):
        return request.user is not None


class WhoAmI(APIView):
    authentication_classes = [TokenAuthentication, ConsoleAuthentication]
    permission_classes = [Somebody]
    renderer_classes = [JSONRenderer]
    versioning_class = None

    def get_exception_handler(self):
        return answer_for

    def get(self, request):
        told = {**asdict(request.user), "roles": sorted(request.user.roles)}
        return Response({name: value for name, value in told.items() if name not in {"token", "compute_url"}})

    post = get


urlpatterns = [path("who", WhoAmI.as_view()), *urls.urlpatterns]
